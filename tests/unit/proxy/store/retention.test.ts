import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { all } from "../../../../proxy/store/transaction.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { sampleAsset, sampleError, sampleOutput, sampleReceipt, sha256 } from "./samples.ts";

const MONTH_MS = 30 * 86_400_000;
const PARTS = ["job", "job_spec", "job_label", "job_asset", "attempt", "event", "outbox"];

async function rowsOf(t: TestStore): Promise<Record<string, number>> {
  const counts = await Promise.all(PARTS.map(async (table) => {
    const sql = `select count(*) as n from ${table}`;
    const [row] = await t.driver.read(() => all(sql, [], z.object({ n: z.int() })));
    return [table, row?.n ?? 0] as const;
  }));
  return Object.fromEntries(counts);
}

/** Jobs that ended in each way, one with labels, inputs and an output. */
async function endJobs(t: TestStore) {
  const { asset: input } = await t.store.createAsset(sampleAsset(t.tenantId, { filePath: "in.png" }));
  const rich = await t.submit({ metadata: { a: "1" }, assetIds: [input.id] });
  const asset = sampleAsset(t.tenantId, { sha256: sha256("out") });
  const outputs = [sampleOutput(rich.id, asset)];
  const no = await t.start(rich.id);
  await t.store.completeJob({ jobId: rich.id, no, outputs, assets: [asset], receipt: sampleReceipt });
  const failed = await t.submit();
  await t.store.failJob({ jobId: failed.id, no: await t.start(failed.id), error: sampleError, receipt: null });
  const canceled = await t.submit();
  await t.store.cancelJob({ tenantId: t.tenantId, jobId: canceled.id });
  await t.submit({ startWithinMs: 1 });
  t.time.nowMs += 1;
  await t.store.expireJobs(10);
  return { rich };
}

describe("removeExpired()", () => {
  it("removes final jobs past their time with all of their rows, and no others", async () => {
    await using t = await memoryStore();
    await endJobs(t);
    await t.submit({ metadata: { a: "1" } });
    await t.start((await t.submit()).id);
    t.time.nowMs += MONTH_MS - 2;
    const before = await rowsOf(t);
    expect(await t.store.removeExpired(10)).toEqual({ jobs: 0, assets: 0, uploadKeys: 0 });
    expect(await rowsOf(t)).toEqual(before);
    t.time.nowMs += 2;
    expect(await t.store.removeExpired(3)).toMatchObject({ jobs: 3 });
    expect(await t.store.removeExpired(3)).toMatchObject({ jobs: 1 });
    expect(await rowsOf(t)).toEqual({
      job: 2,
      job_spec: 2,
      job_label: 1,
      job_asset: 0,
      attempt: 1,
      event: 3,
      outbox: 0,
    });
    t.time.nowMs += 10 * MONTH_MS;
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 0 });
  });

  it("keeps the job of the newest event, so that no event's number comes twice", async () => {
    await using t = await memoryStore();
    await endJobs(t);
    const last = await t.store.lastEventSeq();
    t.time.nowMs += 2 * MONTH_MS;
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 3 });
    expect(await t.store.lastEventSeq()).toBe(last);
    expect((await t.store.listJobs(t.tenantId, { limit: 10 })).items).toEqual([]);
    await t.submit();
    expect(await t.store.lastEventSeq()).toBe(last + 1);
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 1 });
    expect(await t.store.listFeed({ tenantId: null, afterSeq: 0, limit: 10 })).toMatchObject([{ seq: last + 1 }]);
  });

  it("hides from lists what it has not removed yet, labels or none", async () => {
    await using t = await memoryStore();
    await endJobs(t);
    const list = async (metadata?: Record<string, string>) =>
      (await t.store.listJobs(t.tenantId, { limit: 10, metadata })).items.length;
    expect([await list(), await list({ a: "1" })]).toEqual([4, 1]);
    t.time.nowMs += MONTH_MS;
    expect([await list(), await list({ a: "1" })]).toEqual([0, 0]);
  });

  it("goes by the retention of now, also for jobs that have ended before", async () => {
    await using t = await memoryStore();
    const { rich } = await endJobs(t);
    const [output] = (await t.job(rich.id)).outputs;
    if (!output) throw new Error("no output");
    const brief = createStore(t.driver, { jobRetentionMs: 1_000 });
    expect(await brief.getAsset(t.tenantId, output.assetId)).not.toBeNull();
    t.time.nowMs += 1_000;
    expect(await brief.getAsset(t.tenantId, output.assetId)).toBeNull();
    expect(await t.store.getAsset(t.tenantId, output.assetId)).not.toBeNull();
    await t.submit();
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 0 });
    expect(await brief.removeExpired(10)).toEqual({ jobs: 4, assets: 1, uploadKeys: 0 });
    expect(await t.store.findHashes(t.tenantId, [output.sha256])).toEqual([]);
  });
});
