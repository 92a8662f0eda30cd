import { describe, expect, it } from "vitest";
import { isAbandoned } from "../../../../proxy/pods/abandoned.ts";
import { awaitedKey } from "../../../../proxy/store/enrolment-store.ts";
import type { PodRow } from "../../../../proxy/store/pod-store.ts";
import { newAttemptId, newBootId, newEdgeId, newPodId, sha256 } from "../store/samples.ts";
import { setUpPodSide, until } from "./pod-side.ts";

describe("keepReaping()", () => {
  it("loses the jobs of a pod that is in nobody's list any more, after a whole silence", async () => {
    await using side = await setUpPodSide();
    const gone = await side.store.registerPod({ id: newPodId(), name: "gone", transportKey: "gone" });
    await side.store.takePod({ podId: gone.id, edgeId: newEdgeId(), leaseMs: 15_000 });
    const { id, ver } = await side.submit();
    const order = { jobId: id, ver, attemptId: newAttemptId(), podId: gone.id, bootId: newBootId() };
    await side.store.assignJob({ ...order, graphSha256: sha256("graph") });
    await side.store.startJob({ jobId: id, no: 1 });
    await side.start();
    await side.advance(59_000);
    expect((await side.job(id)).state).toBe("running");
    await side.advance(80_000);
    await until(async () => (await side.job(id)).state === "queued");
    expect(await side.store.getPod(gone.id)).toMatchObject({ phase: "lost" });
    expect(await side.store.getPod(side.podId)).toMatchObject({ phase: "ready" });
  });

  it("loses the jobs of a pod that an edge found gone and was killed before it had lost them", async () => {
    await using side = await setUpPodSide();
    const { id: podId } = await side.store.registerPod({ id: newPodId(), name: "gone", transportKey: "gone" });
    await side.store.takePod({ podId, edgeId: newEdgeId(), leaseMs: 15_000 });
    const { id, ver } = await side.submit();
    const order = { jobId: id, ver, attemptId: newAttemptId(), podId, bootId: newBootId() };
    await side.store.assignJob({ ...order, graphSha256: sha256("graph") });
    await side.store.startJob({ jobId: id, no: 1 });
    await side.store.recordSilence({ podId, epoch: 1, leaseMs: 1, phase: "gone", conditions: [] });
    await side.start();
    await side.advance(80_000);
    await until(async () => (await side.job(id)).state === "queued");
    expect(await side.store.getPod(podId)).toMatchObject({ phase: "gone" });
  });

  it("leaves a pod alone whose session another edge keeps", async () => {
    await using side = await setUpPodSide();
    const kept = await side.store.registerPod({ id: newPodId(), name: "kept", transportKey: "kept" });
    await side.store.takePod({ podId: kept.id, edgeId: newEdgeId(), leaseMs: 600_000 });
    await side.start();
    await side.advance(140_000);
    expect(await side.store.getPod(kept.id)).toMatchObject({ phase: "joining", epoch: 1 });
  });
});

describe("isAbandoned()", () => {
  const pod = { phase: "ready", leaseUntilMs: 1_000, transportKey: "gpu-1" } as PodRow;
  it("waits for the whole silence after the end of the lease", () => {
    expect(isAbandoned(pod, 60_999, 60_000)).toBe(false);
    expect(isAbandoned(pod, 61_000, 60_000)).toBe(true);
    expect(isAbandoned({ ...pod, phase: "gone" }, 99_000, 60_000)).toBe(false);
  });

  it("leaves a pod alone that nobody has joined as yet", () => {
    const id = newPodId();
    expect(isAbandoned({ ...pod, id, transportKey: awaitedKey(id) }, 99_000, 60_000)).toBe(false);
  });
});
