import { describe, expect, it } from "vitest";
import { createStore } from "../../../../proxy/store/create-store.ts";
import type { Store } from "../../../../proxy/store/port.ts";
import type { StoreDriver, Transaction } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import {
  newAttemptId,
  newBootId,
  newPodId,
  sampleAsset,
  sampleJob,
  sampleOutput,
  sampleReceipt,
  sha256,
} from "./samples.ts";

/** A driver whose SQL statements are counted. */
function counted(driver: StoreDriver): { driver: StoreDriver; take(): number } {
  let statements = 0;
  function* count<T>(transaction: () => Transaction<T>): Transaction<T> {
    const steps = transaction();
    let step = steps.next();
    while (!step.done) {
      if (step.value.kind === "sql") statements += 1;
      step = steps.next(yield step.value);
    }
    return step.value;
  }
  return {
    driver: {
      read: (transaction) => driver.read(() => count(transaction)),
      write: (transaction) => driver.write(() => count(transaction)),
      close: () => driver.close(),
    },
    take() {
      const taken = statements;
      statements = 0;
      return taken;
    },
  };
}

async function setUp() {
  const base = await memoryStore();
  const { driver, take } = counted(base.driver);
  return { ...base, store: createStore(driver), take, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() };
}

async function perStep(
  { store, take }: { store: Store; take: () => number },
  job: ReturnType<typeof sampleJob>,
  bytes?: Uint8Array<ArrayBuffer>,
): Promise<number[]> {
  const steps: number[] = [];
  take();
  await store.submitJob(job);
  steps.push(take());
  const pod = { attemptId: newAttemptId(), podId: newPodId(), bootId: newBootId(), graphSha256: sha256("graph") };
  await store.assignJob({ jobId: job.id, ver: 1, ...pod });
  steps.push(take());
  await store.startJob({ jobId: job.id, no: 1 });
  steps.push(take());
  await store.getJob(job.id);
  steps.push(take());
  const asset = sampleAsset(job.tenantId, { sha256: sha256(job.id), ...(bytes && { bytes }) });
  const outputs = [sampleOutput(job.id, asset)];
  await store.completeJob({ jobId: job.id, no: 1, outputs, assets: [asset], receipt: sampleReceipt });
  steps.push(take());
  return steps;
}

describe("what a job costs the store", () => {
  it("is, without labels, inputs and key, the statements of before there were any", async () => {
    await using t = await setUp();
    // submit: placement, job, spec, event. assign: cordon, job, move, attempt. start: job, move, event, attempt.
    // complete: job, attempt, asset, move, event, outbox.
    expect(await perStep(t, sampleJob(t.tenantId))).toEqual([4, 4, 4, 1, 6]);
    const keyed = sampleJob(t.tenantId, { idempotency: { space: "trpc", key: "k" } });
    expect(await perStep(t, keyed)).toEqual([4, 4, 4, 1, 6]);
  });

  it("is, stored and assigned in one commit, the cordon and the attempt more", async () => {
    await using t = await setUp();
    const pod = { attemptId: newAttemptId(), podId: newPodId(), bootId: newBootId(), graphSha256: sha256("graph") };
    t.take();
    await t.store.submitJob(sampleJob(t.tenantId, { assignment: pod }));
    expect(t.take()).toBe(6);
  });

  it("is more only where a job has more", async () => {
    await using t = await setUp();
    const { asset } = await t.store.createAsset(sampleAsset(t.tenantId));
    const labels = sampleJob(t.tenantId, { metadata: { a: "1", b: "2" } });
    expect(await perStep(t, labels)).toEqual([6, 4, 4, 1, 6]);
    const inputs = sampleJob(t.tenantId, { assetIds: [asset.id] });
    expect(await perStep(t, inputs)).toEqual([6, 4, 4, 1, 7]);
    const small = new Uint8Array([1, 2, 3]);
    expect(await perStep(t, sampleJob(t.tenantId), small)).toEqual([4, 4, 4, 1, 7]);
    const key = sampleJob(t.tenantId, { idempotency: { space: "v2", key: "k", replay: false } });
    expect(await perStep(t, key)).toEqual([5, 4, 4, 1, 6]);
  });
});
