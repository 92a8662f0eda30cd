import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import type { Store } from "../../../../proxy/store/port.ts";
import type { Transaction } from "../../../../proxy/store/transaction.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { sampleError, sampleJob, sampleReceipt } from "./samples.ts";

const sealedKey = "c2VhbGVk";

/** How each final state is reached from `running`, or from `queued`. */
const ENDS: Record<string, (t: TestStore, jobId: JobId) => Promise<unknown>> = {
  async succeeded(t, jobId) {
    const no = await t.start(jobId);
    return await t.store.completeJob({ jobId, no, outputs: [], assets: [], receipt: sampleReceipt });
  },
  async failed(t, jobId) {
    return await t.store.failJob({ jobId, no: await t.start(jobId), error: sampleError, receipt: null });
  },
  async canceled(t, jobId) {
    const no = await t.start(jobId);
    await t.store.cancelJob({ tenantId: t.tenantId, jobId });
    expect(await t.store.getSealedKey(jobId)).toBe(sealedKey);
    return await t.store.confirmCanceled({ jobId, no });
  },
  "canceled while queued": (t, jobId) => t.store.cancelJob({ tenantId: t.tenantId, jobId }),
  async expired(t) {
    t.time.nowMs += 10_000;
    return await t.store.expireJobs(10);
  },
  async "lost once too often"(t, jobId) {
    const no = await t.start(jobId);
    const lost = { jobId, no, reason: "pod_lost", countLoss: true, retryInMs: 0, maxLosses: 0 };
    return await t.store.loseAttempt(lost);
  },
};

/** The same store, and how many statements its transitions have made. */
function counted(t: TestStore): { store: Store; made: () => number } {
  let statements = 0;
  function* count<T>(transaction: Transaction<T>): Transaction<T> {
    for (let step = transaction.next();;) {
      if (step.done) return step.value;
      if (step.value.kind === "sql") statements += 1;
      step = transaction.next(yield step.value);
    }
  }
  const { driver } = t;
  const store = createStore({ ...driver, write: (make) => driver.write(() => count(make())) });
  return { store, made: () => statements };
}

describe("a sealed key", () => {
  it("is there from the submit on, also while its job is queued again", async () => {
    await using t = await memoryStore();
    const { id, hasPartnerKey } = await t.submit({ sealedKey });
    expect(hasPartnerKey).toBe(true);
    expect(await t.store.getSealedKey(id)).toBe(sealedKey);
    expect(await t.store.listQueue(10)).toMatchObject([{ id, hasPartnerKey: true }]);
    const no = await t.start(id);
    await t.store.loseAttempt({ jobId: id, no, reason: "pod_lost", countLoss: true, retryInMs: 0, maxLosses: 9 });
    expect(await t.job(id)).toMatchObject({ state: "queued", hasPartnerKey: true });
    expect(await t.store.getSealedKey(id)).toBe(sealedKey);
  });

  it("is none for a job that came without", async () => {
    await using t = await memoryStore();
    const { id, hasPartnerKey } = await t.submit();
    expect(hasPartnerKey).toBe(false);
    expect(await t.store.getSealedKey(id)).toBeNull();
    expect(await t.store.listQueue(10)).toMatchObject([{ id, hasPartnerKey: false }]);
  });

  it.each(Object.keys(ENDS))("is gone when its job has %s, and no other's is", async (end) => {
    await using t = await memoryStore();
    const { id } = await t.submit({ sealedKey, startWithinMs: 5_000 });
    const other = await t.submit({ sealedKey });
    await ENDS[end]?.(t, id);
    expect((await t.job(id)).completedAtMs).not.toBeNull();
    expect(await t.store.getSealedKey(id)).toBeNull();
    expect(await t.store.getSealedKey(other.id)).toBe(sealedKey);
  });

  it("of a repeated submit is not stored", async () => {
    await using t = await memoryStore();
    const idempotency = { space: "trpc", key: "k" } as const;
    const { id } = await t.submit({ idempotency, sealedKey });
    const again = sampleJob(t.tenantId, { idempotency, sealedKey: "YW5vdGhlcg" });
    expect(await t.store.submitJob(again)).toMatchObject({ status: "existing", job: { id } });
    expect(await t.store.getSealedKey(id)).toBe(sealedKey);
    expect(await t.store.getSealedKey(again.id)).toBeNull();
  });

  it("costs two statements, and a job without one none", async () => {
    await using t = await memoryStore();
    const { store, made } = counted(t);
    const costOf = async (key: string | null) => {
      const before = made();
      const job = sampleJob(t.tenantId, { sealedKey: key });
      await store.submitJob(job);
      const submitted = made();
      await ENDS["canceled while queued"]?.({ ...t, store }, job.id);
      return { submit: submitted - before, end: made() - submitted };
    };
    const without = await costOf(null);
    const withKey = await costOf(sealedKey);
    expect(without.submit).toBeGreaterThan(0);
    expect(withKey).toEqual({ submit: without.submit + 1, end: without.end + 1 });
  });
});
