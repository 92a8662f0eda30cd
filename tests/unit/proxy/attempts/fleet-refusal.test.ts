import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { PodId } from "../../../../contracts/ids.ts";
import type { PodPhase } from "../../../../contracts/pod.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { newEdgeId, newPodId, sampleObservation } from "../store/samples.ts";

function canvas(width: { min: number; max: number }) {
  return { EmptyImage: { input: { required: { width: ["INT", width] } }, output: ["IMAGE"], output_node: true } };
}

/** What sample jobs ask for is 8. */
const LAX = canvas({ min: 1, max: 100 });
const STRICT = canvas({ min: 16, max: 100 });

/** A pod of another edge, known by what the store has of it. */
async function addPod(side: PodSide, classes: Record<string, unknown> | null): Promise<PodId> {
  const id = newPodId();
  const body = JSON.stringify(classes);
  const sha256 = createHash("sha256").update(body).digest("hex");
  if (classes) await side.store.putObjectInfo({ sha256, body });
  await side.store.registerPod({ id, name: id, transportKey: id });
  await side.store.takePod({ podId: id, edgeId: newEdgeId(), leaseMs: 1e9 });
  const observed = sampleObservation(classes && sha256);
  await side.store.recordBeat({ podId: id, epoch: 1, leaseMs: 1e9, observed });
  return id;
}

async function setPhase(side: PodSide, podId: PodId, phase: PodPhase): Promise<void> {
  await side.store.recordSilence({ podId, epoch: 1, leaseMs: 1e9, phase, conditions: [] });
}

/** This edge's pod has got a body that refuses sample jobs since they were submitted. */
async function startStrict(side: PodSide): Promise<void> {
  const sha256 = await side.describeClasses(STRICT);
  await side.start();
  await until(() => side.live().objectInfoSha256 === sha256);
}

function starts(side: PodSide): number {
  return side.transport.requests.filter((name) => name.includes("attempts.start")).length;
}

describe("dispatch() to a pod that refuses what another accepts", () => {
  it("leaves the job queued, untouched, and sends nothing", async () => {
    await using side = await setUpPodSide();
    await addPod(side, LAX);
    await startStrict(side);
    const { id, ver } = await side.submit();
    expect(await side.dispatch(id)).toBe("refused");
    expect(await side.job(id)).toMatchObject({ state: "queued", ver, attempt: 0, losses: 0 });
    expect(await side.store.listAttempts(id)).toEqual([]);
    expect(starts(side)).toBe(0);
    expect(side.live().freeSlots).toBe(1);
  });

  it("waits while some pod has not told what it can run", async () => {
    await using side = await setUpPodSide();
    const other = await addPod(side, null);
    await startStrict(side);
    const { id } = await side.submit();
    expect(await side.dispatch(id)).toBe("refused");
    await setPhase(side, other, "lost");
    expect(await side.dispatch(id)).toBe("ended");
    expect((await side.job(id)).error?.code).toBe("invalid_workflow");
  });

  it.each<PodPhase>(["lost", "gone"])("fails the job when the pod that would accept it is %s", async (phase) => {
    await using side = await setUpPodSide();
    await setPhase(side, await addPod(side, LAX), phase);
    await startStrict(side);
    const { id } = await side.submit();
    expect(await side.dispatch(id)).toBe("ended");
    expect(await side.job(id)).toMatchObject({ state: "failed", attempt: 1, error: { code: "invalid_workflow" } });
    expect(starts(side)).toBe(0);
  });

  it("fails the job when every pod refuses it, in the words of submit", async () => {
    await using side = await setUpPodSide();
    await addPod(side, canvas({ min: 1, max: 4 }));
    await startStrict(side);
    const { id } = await side.submit();
    expect(await side.dispatch(id)).toBe("ended");
    expect((await side.job(id)).error).toMatchObject({
      code: "invalid_workflow",
      message: expect.stringContaining("node '1' (EmptyImage), input 'width'"),
      nodeErrors: { "1": [{ field: "width" }] },
    });
  });

  it("believes what its own pod says now, not what the store still has of it", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const sha256 = await side.describeClasses(STRICT);
    const { recordBeat } = side.store;
    side.store.recordBeat = () => Promise.resolve(true);
    side.agent.changed();
    await until(() => side.live().objectInfoSha256 === sha256);
    const { id } = await side.submit();
    expect(await side.dispatch(id)).toBe("ended");
    side.store.recordBeat = recordBeat;
  });
});
