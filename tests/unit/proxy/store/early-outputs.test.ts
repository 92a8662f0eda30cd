// Outputs that are stored with a job before its end.
import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import { isTerminal } from "../../../../contracts/job-state.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { sampleAsset, sampleError, sampleOutput, sampleReceipt, sha256 } from "./samples.ts";

const loss = { reason: "pod_lost", countLoss: true, retryInMs: 0, maxLosses: 20 };

function picture(t: TestStore, jobId: JobId, name = "a.png") {
  const asset = sampleAsset(t.tenantId, { filePath: name, sha256: sha256(name) });
  return { assets: [asset], outputs: [sampleOutput(jobId, asset)] };
}

async function withPicture(t: TestStore) {
  const { id: jobId } = await t.submit();
  const no = await t.start(jobId);
  const made = picture(t, jobId);
  const moved = await t.store.addOutputs({ jobId, no, ...made });
  expect(moved.status).toBe("done");
  return { jobId, no, ...made };
}

describe("addOutputs()", () => {
  it("shows them with the running job, its version and events as they were, and stores their assets", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    const before = await t.job(jobId);
    const made = picture(t, jobId);
    await t.store.addOutputs({ jobId, no, ...made });
    expect(await t.job(jobId)).toEqual({ ...before, outputs: made.outputs });
    expect((await t.store.listEvents(jobId, 0)).length).toBe(2);
    const [output] = made.outputs;
    expect(await t.store.getAsset(t.tenantId, output?.assetId ?? "asset_00000000000000000000000001")).not.toBeNull();
  });

  it("replaces those of before, and names the asset that is there already", async () => {
    await using t = await memoryStore();
    const { jobId, no, outputs } = await withPicture(t);
    const [again, more] = [picture(t, jobId), picture(t, jobId, "b.png")];
    await t.store.addOutputs({
      jobId,
      no,
      outputs: [...again.outputs, ...more.outputs],
      assets: [...again.assets, ...more.assets],
    });
    expect((await t.job(jobId)).outputs).toEqual([...outputs, ...more.outputs]);
  });

  it("does nothing to a job that is not at work, or is by another attempt", async () => {
    await using t = await memoryStore();
    const { id: queued } = await t.submit();
    const { id: assigned } = await t.submit();
    await t.assign(assigned);
    const { id: twice } = await t.submit();
    const first = await t.start(twice);
    await t.store.loseAttempt({ jobId: twice, no: first, ...loss });
    await t.start(twice);
    const { id: failed } = await t.submit();
    await t.store.failJob({ jobId: failed, no: await t.start(failed), error: sampleError, receipt: null });
    for (const jobId of [queued, assigned, twice, failed]) {
      expect(await t.store.addOutputs({ jobId, no: 1, ...picture(t, jobId) })).toMatchObject({ status: "stale" });
      expect((await t.job(jobId)).outputs).toEqual([]);
    }
    const { items } = await t.store.listAssets(t.tenantId, { limit: 10, cursor: null });
    expect(items).toEqual([]);
  });

  it("is overtaken by the end, which has its own list", async () => {
    await using t = await memoryStore();
    const { jobId, no } = await withPicture(t);
    const last = picture(t, jobId, "last.png");
    await t.store.completeJob({ jobId, no, ...last, receipt: sampleReceipt });
    expect((await t.job(jobId)).outputs).toEqual(last.outputs);
    expect(await t.store.addOutputs({ jobId, no, ...picture(t, jobId, "late.png") })).toMatchObject({
      status: "stale",
    });
    expect((await t.job(jobId)).outputs).toEqual(last.outputs);
  });

  it.each<[string, (t: TestStore, jobId: JobId, no: number) => Promise<unknown>]>([
    ["fails", ({ store }, jobId, no) => store.failJob({ jobId, no, error: sampleError, receipt: null })],
    ["fails for its losses", ({ store }, jobId, no) => store.loseAttempt({ jobId, no, ...loss, maxLosses: 0 })],
    ["is canceled", async ({ store, tenantId }, jobId, no) => {
      await store.cancelJob({ tenantId, jobId });
      await store.confirmCanceled({ jobId, no });
    }],
    ["is canceled by a loss", async ({ store, tenantId }, jobId, no) => {
      await store.cancelJob({ tenantId, jobId });
      await store.loseAttempt({ jobId, no, ...loss });
    }],
  ])("leaves a job that %s what was home", async (_, end) => {
    await using t = await memoryStore();
    const { jobId, no, outputs } = await withPicture(t);
    await end(t, jobId, no);
    const job = await t.job(jobId);
    expect(isTerminal(job.state)).toBe(true);
    expect(job.outputs).toEqual(outputs);
  });

  it("takes while the job is canceling", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    await t.store.cancelJob({ tenantId: t.tenantId, jobId });
    expect(await t.store.addOutputs({ jobId, no, ...picture(t, jobId) })).toMatchObject({ status: "done" });
  });

  it("is undone by the loss of the attempt: the next begins with none", async () => {
    await using t = await memoryStore();
    const { jobId, no } = await withPicture(t);
    await t.store.loseAttempt({ jobId, no, ...loss });
    expect(await t.job(jobId)).toMatchObject({ state: "queued", outputs: [] });
  });
});
