import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import { memoryStore } from "./memory-store.ts";
import { MAX_EXCEPTED_KEYS, MAX_QUEUE_POSITION, type QueueRange } from "../../../../proxy/store/job-store.ts";
import { newTenantId } from "./samples.ts";

describe("the queue", () => {
  it("listQueue() orders by band, then by age, and stops at the limit", async () => {
    await using t = await memoryStore();
    const submitted: Record<string, JobId> = {};
    for (
      const [name, priority] of [["b", "batch"], ["n1", "normal"], ["i", "interactive"], ["n2", "normal"]] as const
    ) {
      t.time.nowMs += 1;
      submitted[name] = (await t.submit({ priority })).id;
    }
    const order = (await t.store.listQueue(10)).map((job) => job.id);
    expect(order).toEqual([submitted.i, submitted.n1, submitted.n2, submitted.b]);
    expect(await t.store.listQueue(2)).toHaveLength(2);
    expect(await Promise.all(order.map((id) => t.store.queuePosition(id)))).toEqual([0, 1, 2, 3]);
  });

  it("listQueue() goes on behind a job, and leaves out placement keys, however many", async () => {
    await using t = await memoryStore();
    const ids: JobId[] = [];
    for (
      const [priority, placementKey] of [["normal", "a"], ["normal", "b"], ["batch", "a"], ["batch", "c"]] as const
    ) {
      t.time.nowMs += 1;
      ids.push((await t.submit({ priority, placementKey })).id);
    }
    const [, second] = await t.store.listQueue(2);
    const read = async (range: QueueRange) => (await t.store.listQueue(10, range)).map((job) => ids.indexOf(job.id));
    expect(await read({ after: second })).toEqual([2, 3]);
    expect(await read({ exceptKeys: ["a"] })).toEqual([1, 3]);
    expect(await read({ after: second, exceptKeys: ["c"] })).toEqual([2]);
    const secret = await t.submit({ placementKey: "a", sealedKey: "sealed" });
    ids.push(secret.id);
    expect(await read({ exceptWithPartnerKey: ["a"] })).toEqual([0, 1, 2, 3]);
    expect(await read({ exceptWithPartnerKey: ["b"] })).toEqual([0, 1, 4, 2, 3]);
    expect(await read({ exceptKeys: ["c"], exceptWithPartnerKey: ["a"] })).toEqual([0, 1, 2]);
    const many = Array.from({ length: MAX_EXCEPTED_KEYS }, (_, n) => (n === 9 ? "b" : `key-${n}`));
    expect(await read({ exceptKeys: many, exceptWithPartnerKey: many })).toEqual([0, 4, 2, 3]);
  });

  it("listQueue() leaves out jobs that are assigned, wait for their retry or are past their start deadline", async () => {
    await using t = await memoryStore();
    const assigned = await t.submit();
    await t.assign(assigned.id);
    const late = await t.submit({ startWithinMs: 1_000 });
    const retried = await t.submit();
    const no = await t.start(retried.id);
    const loss = { reason: "pod_lost", countLoss: true, retryInMs: 5_000, maxLosses: 20 };
    await t.store.loseAttempt({ jobId: retried.id, no, ...loss });
    t.time.nowMs += 1_000;
    expect(await t.store.listQueue(10)).toEqual([]);
    t.time.nowMs += 4_000;
    expect(await t.store.listQueue(10)).toMatchObject([{ id: retried.id, losses: 1 }]);
    expect(await t.store.queuePosition(assigned.id)).toBe(0);
    expect(await t.store.queuePosition(late.id)).toBe(0);
    expect(await t.store.queuePosition(retried.id)).toBe(1);
  });

  it("queuePosition() counts no further than its bound, however long the queue", async () => {
    await using t = await memoryStore();
    for (let n = 0; n <= MAX_QUEUE_POSITION; n++) await t.submit();
    t.time.nowMs += 1;
    const { id } = await t.submit();
    expect(await t.store.queuePosition(id)).toBe(MAX_QUEUE_POSITION);
  });

  it("expireJobs() ends queued jobs past their deadline that never started, at most as many as asked", async () => {
    await using t = await memoryStore();
    const started = await t.submit({ startWithinMs: 1_000 });
    const no = await t.start(started.id);
    await t.store.loseAttempt({ jobId: started.id, no, reason: "x", countLoss: true, retryInMs: 0, maxLosses: 9 });
    const ids = [await t.submit({ startWithinMs: 1_000 }), await t.submit({ startWithinMs: 2_000 })].map((job) =>
      job.id
    );
    await t.submit();
    expect(await t.store.expireJobs(10)).toEqual([]);
    t.time.nowMs += 2_000;
    const first = await t.store.expireJobs(1);
    expect([...first, ...await t.store.expireJobs(10)].map((job) => job.id)).toEqual(ids);
    expect(first).toMatchObject([{ state: "expired", completedAtMs: t.time.nowMs }]);
    expect((await t.job(started.id)).state).toBe("queued");
  });

  it("assignJob() refuses a job past its start deadline", async () => {
    await using t = await memoryStore();
    const { id } = await t.submit({ startWithinMs: 1_000 });
    t.time.nowMs += 1_000;
    await expect(t.assign(id)).rejects.toThrow("was not assigned");
  });
});

describe("listJobs()", () => {
  it("listJobs() pages newest first without gaps or repeats while jobs are added", async () => {
    await using t = await memoryStore();
    const ids: JobId[] = [];
    for (let i = 0; i < 25; i++) {
      t.time.nowMs += i % 3 === 0 ? 1 : 0;
      ids.push((await t.submit()).id);
    }
    const seen: JobId[] = [];
    let cursor: string | null = null;
    do {
      const page = await t.store.listJobs(t.tenantId, { limit: 10, cursor });
      seen.push(...page.items.map((job) => job.id));
      cursor = page.nextCursor;
      t.time.nowMs += 1;
      await t.submit();
    } while (cursor !== null);
    expect(seen).toHaveLength(25);
    expect(new Set(seen)).toEqual(new Set(ids));
    expect(seen[0]).toBe(ids.at(-1));
  });

  it("listJobs() shows only the tenant's jobs, by visible state", async () => {
    await using t = await memoryStore();
    const queued = await t.submit();
    const assigned = await t.submit();
    await t.assign(assigned.id);
    const running = await t.submit();
    await t.start(running.id);
    const ids = async (state?: ("queued" | "running" | "failed")[]) =>
      new Set((await t.store.listJobs(t.tenantId, { limit: 10, state })).items.map((job) => job.id));
    expect(await ids(["queued"])).toEqual(new Set([queued.id, assigned.id]));
    expect(await ids(["running", "failed"])).toEqual(new Set([running.id]));
    expect(await ids([])).toEqual(new Set());
    expect((await ids()).size).toBe(3);
    expect((await t.store.listJobs(newTenantId(), { limit: 10 })).items).toEqual([]);
  });

  it("listJobs() refuses a cursor that is none of ours", async () => {
    await using t = await memoryStore();
    for (const cursor of ["x", "§", "bm8gcGxhY2U", "' or 1=1 --"]) {
      const error = await t.store.listJobs(t.tenantId, { limit: 10, cursor }).catch((thrown: unknown) => thrown);
      expect(FleetError.is(error) && error.code).toBe("invalid_input");
    }
  });
});
