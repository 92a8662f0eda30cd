// A partner key on its way from the store to the agent, and what the edge says where that fails.
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { JobId } from "../../../../contracts/ids.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide } from "../pods/pod-side.ts";
import { testBox } from "../secrets/test-box.ts";
import { newJobId } from "../store/samples.ts";

const KEY = "comfyui-0123456789abcdef";

async function submitted(side: PodSide, box = side.box): Promise<JobId> {
  const id = newJobId();
  await side.submit({ id, sealedKey: box.seal(KEY, id) });
  return id;
}

/** What the edge has logged and what it stores of the job. */
async function saidOf(side: PodSide, id: JobId): Promise<string> {
  return JSON.stringify(
    [side.lines, await side.job(id), await side.store.listEvents(id, 0)],
    (_, value: unknown) =>
      value instanceof Error ? { message: value.message, cause: value.cause, stack: value.stack } : value,
  );
}

describe("dispatch() of a job with a partner key", () => {
  it("sends it with the order, and sends none with another's", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const id = await submitted(side);
    expect(await side.dispatch(id)).toBe("started");
    expect(side.lastStart().partnerKey).toBe(KEY);
    expect(await saidOf(side, id)).not.toContain(KEY);
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    await side.dispatch((await side.submit()).id);
    expect(side.lastStart()).not.toHaveProperty("partnerKey");
  });

  it("sends it again after a loss", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const id = await submitted(side);
    await side.dispatch(id);
    await side.settlement.settle(side.podId, reportOf(side.lastStart(), "lost"));
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    expect(await side.dispatch(id)).toBe("started");
    expect(side.agent.starts.map((order) => order.partnerKey)).toEqual([KEY, KEY]);
  });

  it("keeps it from an agent that is too old, which costs the job nothing", async () => {
    await using side = await setUpPodSide();
    side.agent.protocol = { min: 1, max: 1 };
    await side.start();
    expect(side.live().protocol).toBe(1);
    const id = await submitted(side);
    const { ver } = await side.job(id);
    expect(await side.dispatch(id)).toBe("given_back");
    expect(side.agent.starts).toEqual([]);
    expect(await side.job(id)).toMatchObject({ state: "queued", ver, losses: 0 });
    expect(await side.dispatch((await side.submit()).id)).toBe("started");
  });

  it("fails the job when its key cannot be opened, and says what to do", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const id = await submitted(side, testBox(2));
    expect(await side.dispatch(id)).toBe("ended");
    expect(side.agent.starts).toEqual([]);
    const { state, error } = await side.job(id);
    expect([state, error?.code]).toEqual(["failed", "internal"]);
    expect(error?.message).toMatch(/partner key .* cannot be opened/);
    expect(error?.hint).toMatch(/EDGE_SECRET_KEY/);
  });

  it("takes the key out of the words with which an agent refuses it", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.agent.onStart = ({ partnerKey }) => {
      const nodeErrors = [{ nodeId: "1", classType: "X", errors: [{ type: "t", message: `no ${partnerKey}` }] }];
      throw new FleetError("invalid_workflow", `Cannot take ${partnerKey}`, {
        hint: `Not ${partnerKey}.`,
        details: { nodeErrors },
      });
    };
    const id = await submitted(side);
    expect(await side.dispatch(id)).toBe("ended");
    expect((await side.job(id)).error).toMatchObject({ message: "Cannot take [redacted]", hint: "Not [redacted]." });
    expect(await saidOf(side, id)).not.toContain(KEY);
  });
});

describe("settle() of a job with a partner key", () => {
  it("takes the key out of an error that the agent no longer knew to", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const id = await submitted(side);
    await side.dispatch(id);
    const error = { code: "execution_failed", message: `Cannot run node 1: 401 for ${KEY}` } as const;
    await side.settlement.settle(side.podId, reportOf(side.lastStart(), "failed", { error }));
    expect((await side.job(id)).error?.message).toBe("Cannot run node 1: 401 for [redacted]");
    expect(await saidOf(side, id)).not.toContain(KEY);
    expect(await side.store.getSealedKey(id)).toBeNull();
  });
});
