// What submit does with a slot that is free at once.
import { describe, expect, it } from "vitest";
import type { Claims } from "../../../../proxy/jobs/port.ts";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import { newAssetId, newAttemptId, newBootId, newPodId, sampleError, sha256 } from "../store/samples.ts";
import { bodyWith, canvasGraph } from "./graph-fixtures.ts";
import { jobsFixture, request } from "./service-fixture.ts";

/** Every claim is granted, for a pod that nothing speaks against. */
function granting() {
  const asked: string[] = [];
  const settled: (JobRow | null)[] = [];
  const claims: Claims = {
    claim({ id }) {
      asked.push(id);
      const pod = { podId: newPodId(), bootId: newBootId() };
      const assignment = { ...pod, attemptId: newAttemptId(), graphSha256: sha256("graph") };
      return Promise.resolve({ assignment, settle: (job) => settled.push(job) });
    },
  };
  return { claims, asked, settled };
}

describe("submit() with a claim", () => {
  it("answers with the assigned job, which shows as queued, and has nobody look at the queue", async () => {
    const { claims, asked, settled } = granting();
    await using fixture = await jobsFixture({ bodies: [bodyWith()], claims });
    const job = await fixture.jobs.submit(fixture.caller, request());
    const row = await fixture.testStore.job(job.id);
    expect(job.state).toBe("queued");
    expect(row).toMatchObject({ state: "assigned", attempt: 1, ver: 2 });
    expect(asked).toEqual([job.id]);
    expect(settled).toEqual([row]);
    expect(fixture.hints).toEqual([job.id]);
  });

  it("queues the job when there is none", async () => {
    await using fixture = await jobsFixture({ claims: { claim: () => Promise.resolve(null) } });
    const { id } = await fixture.jobs.submit(fixture.caller, request());
    expect((await fixture.testStore.job(id)).state).toBe("queued");
    expect(fixture.hints).toEqual(["queue", id]);
  });

  it("has the planner look when the store would not assign it", async () => {
    const { claims, settled } = granting();
    await using fixture = await jobsFixture({ claims });
    const { store } = fixture.testStore;
    const podId = await fixture.testStore.addPod(null);
    await store.setCordon({ podId, cordon: "cordon", reason: "" });
    const claim = claims.claim.bind(claims);
    claims.claim = async (job) => {
      const granted = await claim(job);
      return granted && { ...granted, assignment: { ...granted.assignment, podId } };
    };
    const { id } = await fixture.jobs.submit(fixture.caller, request());
    expect(settled).toEqual([await fixture.testStore.job(id)]);
    expect(settled[0]?.state).toBe("queued");
    expect(fixture.hints).toEqual(["queue", id]);
  });

  it("settles the claim with null when nothing was stored", async () => {
    const { claims, settled } = granting();
    await using fixture = await jobsFixture({
      claims,
      limits: { maxWorkflowBytes: 4_000_000, defaultRunWithinMs: 1_000, maxQueued: 1 },
    });
    const { jobs, caller, testStore } = fixture;
    const image = { __type: "core/ASSET", info: { id: newAssetId() } };
    const missing = request({ "1": { class_type: "LoadImage", inputs: { image } } });
    await expect(jobs.submit(caller, missing)).rejects.toMatchObject({ code: "missing_asset" });
    await testStore.submit();
    await expect(jobs.submit(caller, request())).rejects.toMatchObject({ code: "queue_full" });
    expect(settled).toEqual([null, null]);
  });

  it("settles the claim with null when the store fails", async () => {
    const { claims, settled } = granting();
    await using base = await jobsFixture();
    const store = { ...base.testStore.store, submitJob: () => Promise.reject(new Error("disk full")) };
    await using fixture = await jobsFixture({ claims, store });
    await expect(fixture.jobs.submit(base.caller, request())).rejects.toThrow("disk full");
    expect(settled).toEqual([null]);
  });

  it("starts one job of two requests with one key", async () => {
    const { claims, settled } = granting();
    await using fixture = await jobsFixture({ claims });
    const { jobs, caller } = fixture;
    const keyed = () => jobs.submit(caller, request(canvasGraph(), { idempotencyKey: "once" }));
    const [first, second] = await Promise.all([keyed(), keyed()]);
    expect(first.id).toBe(second.id);
    expect(settled).toHaveLength(2);
    expect(new Set(settled.map((job) => job?.id ?? null))).toEqual(new Set([first.id, null]));
  });

  it("never asks for a job with a partner key", async () => {
    const { claims, asked } = granting();
    await using fixture = await jobsFixture({ claims });
    const { job } = await fixture.jobs.submitV2(fixture.caller, request(), { partnerKey: "comfyui-0123456789abcdef" });
    expect(asked).toEqual([]);
    expect((await fixture.testStore.job(job.id)).state).toBe("queued");
  });

  it("asks for a retried job as for any", async () => {
    const { claims, asked } = granting();
    await using fixture = await jobsFixture({ claims });
    const { jobs, caller, testStore } = fixture;
    const { id } = await jobs.submit(caller, request());
    await testStore.store.startJob({ jobId: id, no: 1 });
    await testStore.store.failJob({ jobId: id, no: 1, error: sampleError, receipt: null });
    const again = await jobs.retry(caller, { jobId: id });
    expect(asked).toEqual([id, again.id]);
    expect((await testStore.job(again.id)).state).toBe("assigned");
  });
});
