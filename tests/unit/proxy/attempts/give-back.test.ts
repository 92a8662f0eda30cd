import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ErrorCode, FleetError } from "../../../../contracts/errors.ts";
import type { JobId } from "../../../../contracts/ids.ts";
import type { JsonValue } from "../../../../contracts/workflow.ts";
import { type PodSide, setUpPodSide } from "../pods/pod-side.ts";
import { sampleAsset } from "../store/samples.ts";

/** The agent says no to every start. */
function refuse(side: PodSide, code: ErrorCode): void {
  side.agent.onStart = () => {
    throw new FleetError(code, "Cannot start now");
  };
}

/** One dispatch as soon as it may be; the pause after it. */
async function dispatchWhenDue(side: PodSide, id: JobId): Promise<number> {
  const { runAfterMs } = await side.job(id);
  side.clock.skip(Math.max(0, runAfterMs - side.clock.nowMs()) + 1);
  const beforeMs = Math.trunc(side.clock.nowMs());
  await side.dispatch(id);
  return (await side.job(id)).runAfterMs - beforeMs;
}

describe("dispatch() of a job that is given back again and again", () => {
  it("backs off to half a minute without counting a loss, and begins anew after a start", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const accept = side.agent.onStart;
    refuse(side, "slot_busy");
    const { id } = await side.submit();
    const pod = side.live();
    const pauses: number[] = [];
    for (let no = 1; no <= 10; no += 1) pauses.push(await dispatchWhenDue(side, id));
    // The clock's chance is in the middle of the upper half.
    expect(pauses).toEqual([188, 375, 750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 0, attempt: 10 });
    side.agent.onStart = accept;
    await dispatchWhenDue(side, id);
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 11, podId: pod.id }, "pod_lost");
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    refuse(side, "slot_busy");
    expect(await dispatchWhenDue(side, id)).toBe(188);
  });

  it("shows nothing of it to whoever watches, though the version rises", async () => {
    await using side = await setUpPodSide();
    await side.start();
    refuse(side, "comfy_unavailable");
    const { id, ver } = await side.submit();
    for (let no = 1; no <= 3; no += 1) await dispatchWhenDue(side, id);
    expect((await side.store.listEvents(id, 0)).map((event) => event.state)).toEqual(["queued"]);
    expect((await side.job(id)).ver).toBe(ver + 6);
  });

  it("ends it with the count of losses when the agent's answer is an error of its own", async () => {
    await using side = await setUpPodSide({ attempts: { maxLosses: 3 } });
    await side.start();
    refuse(side, "internal");
    const { id } = await side.submit();
    for (let no = 1; no <= 4; no += 1) await dispatchWhenDue(side, id);
    expect(await side.job(id)).toMatchObject({
      state: "failed",
      losses: 4,
      error: { code: "pod_lost", message: expect.stringContaining("internal") },
    });
    expect((await side.store.listEvents(id, 0)).map(({ state, reason }) => [state, reason])).toEqual([
      ["queued", null],
      ["queued", "internal"],
      ["queued", "internal"],
      ["queued", "internal"],
      ["failed", "pod_lost"],
    ]);
  });

  it("ends it with the count of losses when the pod's disk is full and the inputs are put each time", async () => {
    await using side = await setUpPodSide({ attempts: { maxLosses: 2 } });
    await side.start();
    const bytes = new TextEncoder().encode("pixels");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const asset = sampleAsset(side.tenantId, { sha256, sizeBytes: bytes.byteLength, filePath: "in.png" });
    await side.store.createAsset(asset);
    side.blobs.blobs.set(`${side.tenantId} ${sha256}`, bytes);
    const image = { __type: "core/ASSET", info: { id: asset.id } };
    const { id } = await side.submit({
      spec: { kind: "workflow", workflow: { "1": { class_type: "LoadImage", inputs: { image } } } },
    });
    const full = new FleetError("internal", "Cannot keep input: no space left on device").toEnvelope();
    const { fetch } = side.agent;
    side.agent.fetch = (request) =>
      request.method === "PUT" ? Promise.resolve(Response.json({ error: full }, { status: 500 })) : fetch(request);
    for (let no = 1; no <= 3; no += 1) await dispatchWhenDue(side, id);
    expect(await side.job(id)).toMatchObject({ state: "failed", losses: 3, error: { code: "pod_lost" } });
  });
});

describe("dispatch() of an order that cannot be written", () => {
  it.each<[string, () => JsonValue]>([
    ["a name that superjson refuses", () => ({ constructor: "x" })],
    ["nesting past the stack", () => {
      let value: JsonValue = 1;
      for (let depth = 0; depth < 100_000; depth += 1) value = [value];
      return value;
    }],
  ])("fails the job, and blames no pod, for %s", async (_, value) => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    const inputs = { width: 64, extra: value() };
    side.store.getSpec = () =>
      Promise.resolve({ kind: "workflow", workflow: { "1": { class_type: "EmptyImage", inputs } } });
    await side.dispatch(id);
    expect(await side.job(id)).toMatchObject({ state: "failed", losses: 0, error: { code: "internal" } });
    expect(side.transport.requests.some((name) => name.includes("attempts.start"))).toBe(false);
  });
});
