import { describe, expect, it } from "vitest";
import type { PodId } from "../../../../contracts/ids.ts";
import type { PodObservation } from "../../../../proxy/store/pod-store.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { newAttemptId, newBootId, newEdgeId, newPodId, sampleObservation, sha256 } from "./samples.ts";

const leaseMs = 1_000;

function observation(change: Partial<PodObservation> = {}): PodObservation {
  return { ...sampleObservation(), ...change };
}

async function register(t: TestStore, name = "a"): Promise<PodId> {
  return (await t.store.registerPod({ id: newPodId(), name, transportKey: name })).id;
}

describe("pods in the store", () => {
  it("registerPod() makes a joining pod once per transport key and follows its name", async () => {
    await using t = await memoryStore();
    const first = await t.store.registerPod({ id: newPodId(), name: "old", transportKey: "k" });
    expect(first).toMatchObject({ phase: "joining", epoch: 0, edgeId: null, bootId: null, createdAtMs: 1_000_000 });
    t.time.nowMs += 1;
    const again = await t.store.registerPod({ id: newPodId(), name: "new", transportKey: "k" });
    expect(again).toEqual({ ...first, name: "new" });
    expect(await t.store.getPod(first.id)).toEqual(again);
  });

  it("registerPod() says by which way a pod comes and whether it is for development, and follows both", async () => {
    await using t = await memoryStore();
    const input = { id: newPodId(), name: "a", transportKey: "n1" };
    expect(await t.store.registerPod(input)).toMatchObject({ via: "direct", dev: false });
    const again = { ...input, via: "tailnet", dev: true } as const;
    expect(await t.store.registerPod(again)).toMatchObject({ id: input.id, via: "tailnet", dev: true });
  });

  it("claimEnrolled() gives a node the row that waits for it, once, and none to a node that has a pod", async () => {
    await using t = await memoryStore();
    const [first, second] = [newPodId(), newPodId()];
    const key = { keyId: "k", endsAtMs: 2_000_000, dev: false, conditions: [] };
    await t.store.enrollPods([{ id: first, name: "a", ...key }, { id: second, name: "b", ...key }]);
    // A key of the other kind is not the one that was minted for it, nor is another one of its kind.
    expect(await t.store.claimEnrolled({ podId: first, stableId: "n1", dev: true, keyId: null })).toBeNull();
    expect(await t.store.claimEnrolled({ podId: first, stableId: "n1", dev: false, keyId: "other" })).toBeNull();
    const claimed = await t.store.claimEnrolled({ podId: first, stableId: "n1", dev: false, keyId: null });
    expect(claimed).toMatchObject({
      id: first,
      name: "a",
      transportKey: "n1",
      via: "tailnet",
      dev: false,
      phase: "joining",
    });
    expect(await t.store.claimEnrolled({ podId: first, stableId: "n2", dev: false, keyId: null })).toBeNull();
    expect(await t.store.claimEnrolled({ podId: second, stableId: "n1", dev: false, keyId: null })).toBeNull();
    expect(await t.store.claimEnrolled({ podId: newPodId(), stableId: "n3", dev: false, keyId: null })).toBeNull();
    expect(await t.store.claimEnrolled({ podId: second, stableId: "n2", dev: false, keyId: "k" })).toMatchObject({
      id: second,
    });
  });

  it.each([
    ["for development", { dev: true }],
    ["gone", {}],
  ])("assignJob() gives nothing to a pod that is %s", async (_, change) => {
    await using t = await memoryStore();
    const pod = await t.store.registerPod({ id: newPodId(), name: "a", transportKey: "n1", ...change });
    const job = await t.submit();
    const assign = () =>
      t.store.assignJob({
        ...{ jobId: job.id, ver: job.ver, attemptId: newAttemptId(), podId: pod.id, bootId: newBootId() },
        graphSha256: sha256("graph"),
      });
    if (!("dev" in change)) {
      await t.store.takePod({ podId: pod.id, edgeId: newEdgeId(), leaseMs });
      await t.store.recordSilence({ podId: pod.id, epoch: 1, leaseMs, phase: "gone", conditions: [] });
    }
    expect(await assign()).toEqual({ status: "stale" });
    expect((await t.job(job.id)).state).toBe("queued");
    await t.store.registerPod({ id: newPodId(), name: "a", transportKey: "n1" });
    expect((await assign()).status).toBe("done");
  });

  it("listPodBodies() leaves out pods for development: what they could run says nothing about jobs", async () => {
    await using t = await memoryStore();
    const podId = await t.addPod(sha256("body"));
    expect((await t.store.listPodBodies()).map((body) => body.podId)).toEqual([podId]);
    await t.store.registerPod({ id: newPodId(), name: "a", transportKey: podId, dev: true });
    expect(await t.store.listPodBodies()).toEqual([]);
  });

  it("takePod() gives the session to one edge at a time, with a rising epoch", async () => {
    await using t = await memoryStore();
    const podId = await register(t);
    const [a, b] = [newEdgeId(), newEdgeId()];
    expect(await t.store.takePod({ podId, edgeId: a, leaseMs })).toEqual({ epoch: 1 });
    expect(await t.store.takePod({ podId, edgeId: b, leaseMs })).toBeNull();
    expect(await t.store.takePod({ podId, edgeId: a, leaseMs })).toEqual({ epoch: 2 });
    t.time.nowMs += leaseMs;
    expect(await t.store.takePod({ podId, edgeId: b, leaseMs })).toEqual({ epoch: 3 });
    expect(await t.store.takePod({ podId: newPodId(), edgeId: b, leaseMs })).toBeNull();
  });

  it("recordBeat() stores what the pod said and renews the lease, only for the session's epoch", async () => {
    await using t = await memoryStore();
    const podId = await register(t);
    await t.store.takePod({ podId, edgeId: newEdgeId(), leaseMs });
    const observed = observation();
    t.time.nowMs += 500;
    expect(await t.store.recordBeat({ podId, epoch: 0, leaseMs, observed })).toBe(false);
    expect(await t.store.recordBeat({ podId, epoch: 1, leaseMs, observed })).toBe(true);
    const leaseUntilMs = t.time.nowMs + leaseMs;
    expect(await t.store.getPod(podId)).toMatchObject({ ...observed, leaseUntilMs, lastSeenAtMs: t.time.nowMs });
  });

  it("recordSilence() keeps the lease and what was seen last; releasePods() ends both at once", async () => {
    await using t = await memoryStore();
    const podId = await register(t);
    const [a, b] = [newEdgeId(), newEdgeId()];
    await t.store.takePod({ podId, edgeId: a, leaseMs });
    await t.store.recordBeat({ podId, epoch: 1, leaseMs, observed: observation() });
    const seenAtMs = t.time.nowMs;
    t.time.nowMs += 900;
    expect(await t.store.recordSilence({ podId, epoch: 1, leaseMs, phase: "lost", conditions: [] })).toBe(true);
    expect(await t.store.getPod(podId)).toMatchObject({
      phase: "lost",
      lastSeenAtMs: seenAtMs,
      leaseUntilMs: t.time.nowMs + leaseMs,
    });
    await t.store.releasePods(a);
    expect(await t.store.recordSilence({ podId, epoch: 1, leaseMs, phase: "ready", conditions: [] })).toBe(false);
    expect(await t.store.takePod({ podId, edgeId: b, leaseMs })).toEqual({ epoch: 2 });
    expect(await t.store.recordBeat({ podId, epoch: 1, leaseMs, observed: observation() })).toBe(false);
  });

  it("listPods() pages oldest first; listActivePods() leaves out those that are gone, until they are back", async () => {
    await using t = await memoryStore();
    const ids: PodId[] = [];
    for (const name of ["a", "b", "c"]) {
      ids.push(await register(t, name));
      t.time.nowMs += 1;
    }
    const page = await t.store.listPods({ limit: 2 });
    const rest = await t.store.listPods({ limit: 2, cursor: page.nextCursor });
    expect([...page.items, ...rest.items].map((pod) => pod.id)).toEqual(ids);
    expect(rest.nextCursor).toBeNull();
    const [podId = newPodId()] = ids;
    await t.store.takePod({ podId, edgeId: newEdgeId(), leaseMs });
    await t.store.recordSilence({ podId, epoch: 1, leaseMs, phase: "gone", conditions: [] });
    expect((await t.store.listActivePods()).map((pod) => pod.name)).toEqual(["b", "c"]);
    await register(t, "a");
    expect((await t.store.getPod(podId))?.phase).toBe("joining");
  });
});

describe("a pod that is gone", () => {
  async function gone(t: TestStore, podId: PodId): Promise<void> {
    const epoch = (await t.store.takePod({ podId, edgeId: newEdgeId(), leaseMs }))?.epoch ?? 0;
    await t.store.recordSilence({ podId, epoch, leaseMs: 0, phase: "gone", conditions: [] });
  }

  it("is cordoned still when it is back, but not among those that count meanwhile", async () => {
    await using t = await memoryStore();
    const podId = await register(t);
    await t.store.setCordon({ podId, cordon: "drain", reason: "hot" });
    const { cordonedAtMs } = (await t.store.getPod(podId)) ?? {};
    await gone(t, podId);
    expect(await t.store.listCordoned()).toEqual([]);
    await register(t);
    const back = { phase: "joining", cordonedAtMs, cordonReason: "hot", draining: true };
    expect(await t.store.getPod(podId)).toMatchObject(back);
    expect(await t.store.listCordoned()).toEqual([podId]);
    await t.store.removePod(podId);
    await register(t);
    expect(await t.store.getPod(podId)).toMatchObject({ cordonedAtMs: null, cordonReason: "", draining: false });
  });

  it("is told of while an attempt of it is not ended", async () => {
    await using t = await memoryStore();
    const podId = await register(t);
    const job = await t.submit();
    const order = { jobId: job.id, ver: job.ver, attemptId: newAttemptId(), podId, bootId: newBootId() };
    await t.store.assignJob({ ...order, graphSha256: sha256("graph") });
    expect(await t.store.listGoneAtWork()).toEqual([]);
    await gone(t, podId);
    expect(await t.store.listGoneAtWork()).toEqual([podId]);
  });
});

describe("roles in the store", () => {
  it("takeRole() keeps epoch and up-since while it is renewed in time", async () => {
    await using t = await memoryStore();
    const edgeId = newEdgeId();
    const take = () => t.store.takeRole({ role: "planner", edgeId, leaseMs });
    expect(await take()).toEqual({ epoch: 1, upSinceMs: 1_000_000 });
    t.time.nowMs += 999;
    expect(await take()).toEqual({ epoch: 1, upSinceMs: 1_000_000 });
    t.time.nowMs += leaseMs;
    expect(await take()).toEqual({ epoch: 2, upSinceMs: t.time.nowMs });
  });

  it("takeRole() refuses another edge until the lease ends or is released", async () => {
    await using t = await memoryStore();
    const [a, b] = [newEdgeId(), newEdgeId()];
    const take = (edgeId: typeof a) => t.store.takeRole({ role: "planner", edgeId, leaseMs });
    await take(a);
    expect(await take(b)).toBeNull();
    expect(await t.store.takeRole({ role: "reaper", edgeId: b, leaseMs })).toMatchObject({ epoch: 1 });
    await t.store.releaseRoles(a);
    expect(await take(b)).toMatchObject({ epoch: 2 });
    t.time.nowMs += leaseMs;
    expect(await take(a)).toMatchObject({ epoch: 3, upSinceMs: t.time.nowMs });
  });
});
