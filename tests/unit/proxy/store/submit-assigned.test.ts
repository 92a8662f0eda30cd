// A job that is assigned in the commit that stores it.
import { describe, expect, it } from "vitest";
import type { NewAttempt } from "../../../../proxy/store/new-job.ts";
import type { PodId } from "../../../../contracts/ids.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { newAssetId, newAttemptId, newBootId, newPodId, sampleJob, sha256 } from "./samples.ts";

function attemptOn(podId: PodId = newPodId()): NewAttempt {
  return { attemptId: newAttemptId(), podId, bootId: newBootId(), graphSha256: sha256("graph") };
}

/** No attempt of that id, and no more jobs than these. */
async function expectNothing(t: TestStore, { attemptId }: NewAttempt, jobs: number): Promise<void> {
  expect(await t.store.getAttempt(attemptId)).toBeNull();
  expect((await t.store.listJobs(t.tenantId, { limit: 10 })).items).toHaveLength(jobs);
}

describe("submitJob() with an assignment", () => {
  it("stores the job assigned, with its attempt offered to the pod, and shows it as queued", async () => {
    await using t = await memoryStore();
    const podId = await t.addPod(null);
    const assignment = attemptOn(podId);
    const input = sampleJob(t.tenantId, { assignment });
    const outcome = await t.store.submitJob(input);
    const job = await t.job(input.id);
    expect(outcome).toEqual({ status: "created", job });
    expect(job).toMatchObject({ state: "assigned", ver: 2, attempt: 1, podId });
    const { attemptId: id, bootId } = assignment;
    expect(await t.store.getAttempt(id)).toMatchObject({ jobId: job.id, no: 1, podId, bootId, state: "offered" });
    expect(await t.store.listQueue(10)).toEqual([]);
    expect((await t.store.listEvents(job.id, 0)).map(({ ver, state }) => ({ ver, state }))).toEqual([
      { ver: 1, state: "queued" },
    ]);
    expect(await t.store.startJob({ jobId: job.id, no: 1 })).toMatchObject({
      status: "done",
      job: { state: "running" },
    });
  });

  it.each(["cordon", "gone"] as const)("queues it when the pod takes no work any more: %s", async (why) => {
    await using t = await memoryStore();
    const podId = await t.addPod(null);
    if (why === "cordon") await t.store.setCordon({ podId, cordon: "cordon", reason: "" });
    else await t.store.removePod(podId);
    const assignment = attemptOn(podId);
    const job = await t.submit({ assignment });
    expect(job).toMatchObject({ state: "queued", ver: 1, attempt: 0, podId: null });
    expect(await t.job(job.id)).toEqual(job);
    expect((await t.store.listQueue(10)).map(({ id }) => id)).toEqual([job.id]);
    await expectNothing(t, assignment, 1);
  });

  it("does nothing for a repeated key", async () => {
    await using t = await memoryStore();
    const idempotency = { space: "trpc", key: "k" } as const;
    const first = await t.submit({ idempotency });
    const assignment = attemptOn();
    const again = await t.store.submitJob(sampleJob(t.tenantId, { idempotency, assignment }));
    expect(again).toEqual({ status: "existing", job: first });
    await expectNothing(t, assignment, 1);
    expect(await t.job(first.id)).toEqual(first);
  });

  it("does nothing for a job that is one too many, or lacks an asset", async () => {
    await using t = await memoryStore();
    await t.submit();
    const assignment = attemptOn();
    const full = await t.store.submitJob(sampleJob(t.tenantId, { assignment, maxQueued: 1 }));
    expect(full).toEqual({ status: "queue_full" });
    const assetIds = [newAssetId()];
    const lacking = await t.store.submitJob(sampleJob(t.tenantId, { assignment, assetIds }));
    expect(lacking).toEqual({ status: "missing_assets", assetIds });
    await expectNothing(t, assignment, 1);
  });

  it("leaves nothing of the job when its attempt cannot be stored", async () => {
    await using t = await memoryStore();
    const assignment = attemptOn();
    await t.submit({ assignment });
    const job = sampleJob(t.tenantId, { assignment });
    await expect(t.store.submitJob(job)).rejects.toThrow(/UNIQUE/);
    expect(await t.store.getJob(job.id)).toBeNull();
    expect(await t.store.listEvents(job.id, 0)).toEqual([]);
  });

  it("counts for the tenant's bound on the queue only while it is queued", async () => {
    await using t = await memoryStore();
    await t.submit({ maxQueued: 1, assignment: attemptOn() });
    expect(await t.submit({ maxQueued: 1 })).toMatchObject({ state: "queued" });
  });
});
