import { describe, expect, it } from "vitest";
import { Pod } from "../../../../contracts/pod.ts";
import { registerStaticPods } from "../../../../proxy/pods/registry.ts";
import { createPodsService } from "../../../../proxy/pods/service.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newAttemptId, newBootId, newEdgeId, newPodId, sampleObservation, sha256 } from "../store/samples.ts";

const ENTRY = { name: "gpu-1", url: "http://127.0.0.1:8189", secret: "a secret" };

describe("registerStaticPods()", () => {
  it("keeps the id of a name it knows, at whatever address", async () => {
    await using db = await memoryStore();
    const first = await registerStaticPods(db.store, [ENTRY]);
    const again = await registerStaticPods(db.store, [{ ...ENTRY, url: "http://127.0.0.1:9" }, {
      ...ENTRY,
      name: "gpu-2",
    }]);
    expect(again.rows[0]?.id).toBe(first.rows[0]?.id);
    expect(again.rows[1]?.id).not.toBe(first.rows[0]?.id);
    expect([...again.targets.values()].map(({ url }) => url)).toEqual(["http://127.0.0.1:9", "http://127.0.0.1:8189"]);
  });
});

describe("createPodsService()", () => {
  it("lists and gets pods in the contract's shape, without their way", async () => {
    await using db = await memoryStore();
    await registerStaticPods(db.store, [ENTRY]);
    const service = createPodsService({ store: db.store, signals: createSignals() });
    const { items } = await service.list({ limit: 10 });
    expect(items.map((pod) => Pod.parse(pod).name)).toEqual(["gpu-1"]);
    expect(items[0]).toMatchObject({
      phase: "joining",
      lastSeenAt: null,
      createdAt: new Date(1_000_000).toISOString(),
    });
    expect(JSON.stringify(items)).not.toContain("127.0.0.1");
    expect(await service.get(items[0]?.id ?? newPodId())).toEqual(items[0]);
  });

  async function withPod() {
    const db = await memoryStore();
    const signals = createSignals();
    let told = 0;
    signals.on("pods", () => (told += 1));
    const podId = await db.addPod(sha256("body"));
    return { db, podId, service: createPodsService({ store: db.store, signals }), told: () => told };
  }

  it("cordon() says since when and why, once; uncordon() takes it back; both tell the planner", async () => {
    const { db, podId, service, told } = await withPod();
    await using _ = db;
    expect((await service.get(podId)).cordon).toBeNull();
    const first = Pod.parse(await service.cordon({ podId, reason: "driver update" }));
    expect(first).toMatchObject({
      phase: "ready",
      cordon: { since: new Date(1_000_000).toISOString(), reason: "driver update", drain: false, attempts: 0 },
    });
    db.time.nowMs += 1_000;
    expect(await service.cordon({ podId, reason: "" })).toEqual(first);
    expect((await service.cordon({ podId, reason: "other" })).cordon).toMatchObject({
      since: first.cordon?.since,
      reason: "other",
    });
    expect(told()).toBe(3);
    expect(await service.uncordon(podId)).toMatchObject({ phase: "ready", cordon: null });
    expect(await service.uncordon(podId)).toMatchObject({ cordon: null });
    expect((await service.cordon({ podId, reason: "" })).cordon?.reason).toBe("");
  });

  it("drain() shows the pod as draining until its attempts have ended, whoever beats it meanwhile", async () => {
    const { db, podId, service } = await withPod();
    await using _ = db;
    const job = await db.submit();
    const attempt = { jobId: job.id, attemptId: newAttemptId(), podId, bootId: newBootId() };
    await db.store.assignJob({ ...attempt, ver: job.ver, graphSha256: sha256("graph") });
    await db.store.startJob({ jobId: job.id, no: 1 });
    expect(await service.drain({ podId, reason: "" })).toMatchObject({
      phase: "draining",
      cordon: { drain: true, attempts: 1 },
    });
    expect(await service.cordon({ podId, reason: "" })).toMatchObject({ phase: "draining", cordon: { drain: true } });
    const taken = await db.store.takePod({ podId, edgeId: newEdgeId(), leaseMs: 1 });
    expect(taken).toBeNull();
    await db.store.recordBeat({ podId, epoch: 1, leaseMs: 1, observed: sampleObservation(sha256("body")) });
    expect((await service.get(podId)).phase).toBe("draining");
    await db.store.loseAttempt({
      ...{ jobId: job.id, no: 1, reason: "test", countLoss: false, retryInMs: 0, maxLosses: 1 },
    });
    expect(await service.get(podId)).toMatchObject({ phase: "ready", cordon: { drain: true, attempts: 0 } });
    expect((await service.list({ limit: 10 })).items).toMatchObject([{ cordon: { drain: true } }]);
  });

  it("a pod that is cordoned is assigned nothing, however old the plan", async () => {
    const { db, podId, service } = await withPod();
    await using _ = db;
    const { id: jobId, ver } = await db.submit();
    const input = { jobId, ver, attemptId: newAttemptId(), podId, bootId: newBootId(), graphSha256: sha256("graph") };
    await service.cordon({ podId, reason: "" });
    expect(await db.store.assignJob(input)).toEqual({ status: "stale" });
    expect(await db.job(jobId)).toMatchObject({ state: "queued", attempt: 0 });
    expect(await db.store.listCordoned()).toEqual([podId]);
    await service.uncordon(podId);
    expect(await db.store.assignJob(input)).toEqual({ status: "done", no: 1 });
    expect(await db.store.listCordoned()).toEqual([]);
  });

  it("a cordon outlives the registration of a new edge", async () => {
    const { db, podId, service } = await withPod();
    await using _ = db;
    await service.drain({ podId, reason: "moving" });
    await db.store.registerPod({ id: newPodId(), name: "renamed", transportKey: podId });
    expect(await service.get(podId)).toMatchObject({ name: "renamed", cordon: { reason: "moving", drain: true } });
  });

  it("answers an unknown id with not_found", async () => {
    await using db = await memoryStore();
    const service = createPodsService({ store: db.store, signals: createSignals() });
    const podId = newPodId();
    for (const call of [service.get(podId), service.uncordon(podId), service.drain({ podId, reason: "" })]) {
      await expect(call).rejects.toMatchObject({ code: "not_found" });
    }
  });
});
