import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import {
  canTransition,
  isTerminal,
  JOB_TRANSITIONS,
  type StoredJobState,
  visibleState,
} from "../../../../contracts/job-state.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import {
  newAttemptId,
  newBootId,
  newPodId,
  newTenantId,
  sampleAsset,
  sampleError,
  sampleOutput,
  sampleReceipt,
  sha256,
} from "./samples.ts";
import { STORED_JOB_STATES } from "../../../../proxy/store/job-rows.ts";

const loss = { reason: "pod_lost", countLoss: true, retryInMs: 100, maxLosses: 20 };

/** Brings a new job into `state` with one attempt behind it, where the state has one. */
async function jobIn(t: TestStore, state: StoredJobState): Promise<JobId> {
  const { id: jobId } = await t.submit({ startWithinMs: 60_000 });
  const { store, tenantId } = t;
  if (state === "queued") return jobId;
  if (state === "expired") {
    t.time.nowMs += 60_000;
    await store.expireJobs(100);
    return jobId;
  }
  if (state === "assigned") {
    await t.assign(jobId);
    return jobId;
  }
  const no = await t.start(jobId);
  if (state === "canceling" || state === "canceled") await store.cancelJob({ tenantId, jobId });
  if (state === "canceled") await store.confirmCanceled({ jobId, no });
  if (state === "failed") await store.failJob({ jobId, no, error: sampleError, receipt: null });
  if (state === "succeeded") {
    await store.completeJob({ jobId, no, outputs: [], assets: [], receipt: sampleReceipt });
  }
  return jobId;
}

/** Every method that may move a job, called as for its first attempt. */
const METHODS: Record<string, (t: TestStore, jobId: JobId, ver: number) => Promise<unknown>> = {
  assignJob: ({ store }, jobId, ver) => {
    const attempt = { attemptId: newAttemptId(), podId: newPodId(), bootId: newBootId(), graphSha256: sha256("g") };
    return store.assignJob({ jobId, ver, ...attempt });
  },
  startJob: ({ store }, jobId) => store.startJob({ jobId, no: 1 }),
  completeJob: ({ store }, jobId) =>
    store.completeJob({ jobId, no: 1, outputs: [], assets: [], receipt: sampleReceipt }),
  failJob: ({ store }, jobId) => store.failJob({ jobId, no: 1, error: sampleError, receipt: null }),
  loseAttempt: ({ store }, jobId) => store.loseAttempt({ jobId, no: 1, ...loss }),
  loseLastAttempt: ({ store }, jobId) => store.loseAttempt({ jobId, no: 1, ...loss, maxLosses: 0 }),
  cancelJob: ({ store, tenantId }, jobId) => store.cancelJob({ tenantId, jobId }),
  confirmCanceled: ({ store }, jobId) => store.confirmCanceled({ jobId, no: 1 }),
  expireJobs: async ({ store, time }) => {
    time.nowMs += 60_000;
    await store.expireJobs(100);
  },
};

/** What each method does to a job in each state; a state that is missing stays as it is. */
const EXPECTED: Record<string, Partial<Record<StoredJobState, StoredJobState>>> = {
  assignJob: { queued: "assigned" },
  startJob: { assigned: "running" },
  completeJob: { assigned: "succeeded", running: "succeeded", canceling: "succeeded" },
  failJob: { assigned: "failed", running: "failed", canceling: "failed" },
  loseAttempt: { assigned: "queued", running: "queued", canceling: "canceled" },
  loseLastAttempt: { assigned: "failed", running: "failed", canceling: "canceled" },
  cancelJob: { queued: "canceled", assigned: "canceling", running: "canceling" },
  confirmCanceled: { canceling: "canceled" },
  expireJobs: { queued: "expired" },
};

describe("every transition from every state", () => {
  const cases = STORED_JOB_STATES.flatMap((state) => Object.keys(METHODS).map((method) => ({ method, state })));

  it.each(cases)("$method() on a job that is $state does what the table allows", async ({ method, state }) => {
    await using t = await memoryStore();
    const jobId = await jobIn(t, state);
    const before = await t.job(jobId);
    expect(before.state).toBe(state);
    await METHODS[method]?.(t, jobId, before.ver);
    const after = await t.job(jobId);
    const expected = EXPECTED[method]?.[state];
    // What ends before anybody heard that it runs has run all the same.
    const steps = method === "completeJob" && state === "assigned" ? ["running", "succeeded"] : [expected];
    expect(after.state).toBe(expected ?? state);
    if (expected === undefined) {
      expect(after).toEqual(before);
    } else {
      expect(canTransition(state, expected)).toBe(true);
      expect(after.ver).toBe(before.ver + steps.length);
    }
    const events = await t.store.listEvents(jobId, before.ver);
    expect(events.map((event) => event.state)).toEqual(expected === undefined || expected === "assigned" ? [] : steps);
    if (events.length > 0) expect(events.at(-1)).toMatchObject({ ver: after.ver, state: visibleState(after.state) });
    expect(after.completedAtMs === null).toBe(!isTerminal(after.state));
    expect(isTerminal(after.state) ? await t.store.listLiveAttempts() : []).toEqual([]);
  });
});

describe("JOB_TRANSITIONS", () => {
  it("has no transition that no method makes", () => {
    const made = new Set(Object.values(EXPECTED).flatMap((moves) => Object.entries(moves).map((move) => move.join())));
    // The late result of an attempt that was given up for lost: see below.
    made.add("queued,succeeded");
    const allowed = Object.entries(JOB_TRANSITIONS).flatMap(([from, states]) => states.map((to) => `${from},${to}`));
    expect(allowed.toSorted()).toEqual([...made].toSorted());
  });
});

describe("completeJob()", () => {
  it("completeJob() takes the late result of a lost attempt and supersedes the live one", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const first = await t.start(jobId);
    await t.store.loseAttempt({ jobId, no: first, ...loss, retryInMs: 0 });
    const second = await t.start(jobId);
    const done = await t.store.completeJob({ jobId, no: first, outputs: [], assets: [], receipt: sampleReceipt });
    expect(done).toMatchObject({
      status: "done",
      job: { state: "succeeded", winner: first, attempt: second, losses: 1 },
    });
    expect((await t.store.listAttempts(jobId)).map((attempt) => attempt.state)).toEqual(["succeeded", "superseded"]);
    const again = await t.store.completeJob({ jobId, no: second, outputs: [], assets: [], receipt: sampleReceipt });
    expect(again).toEqual({ status: "stale", job: await t.job(jobId) });
  });

  it("completeJob() takes the result of a lost attempt while the job waits in the queue", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    await t.store.loseAttempt({ jobId, no, ...loss });
    const done = await t.store.completeJob({ jobId, no, outputs: [], assets: [], receipt: sampleReceipt });
    expect(done).toMatchObject({ status: "done", job: { state: "succeeded" } });
    expect(await t.store.listQueue(10)).toEqual([]);
  });

  it("completeJob() stores asset rows with the result, and names the row that was there", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    const known = sampleAsset(t.tenantId);
    await t.store.createAsset(known);
    const equal = sampleAsset(t.tenantId);
    const fresh = sampleAsset(t.tenantId, { sha256: sha256("other bytes") });
    const outputs = [sampleOutput(jobId, equal), sampleOutput(jobId, fresh)];
    await t.store.completeJob({ jobId, no, outputs, assets: [equal, fresh], receipt: sampleReceipt });
    const job = await t.job(jobId);
    expect(job.outputs.map((output) => output.assetId)).toEqual([known.id, fresh.id]);
    expect(job.receipt).toEqual(sampleReceipt);
    expect(await t.store.getAssets(t.tenantId, [known.id, equal.id, fresh.id])).toHaveLength(2);
  });

  it("completeJob() stores nothing of a result that comes second, or of an attempt that never was", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    const asset = sampleAsset(t.tenantId);
    const result = { jobId, outputs: [sampleOutput(jobId, asset)], assets: [asset], receipt: sampleReceipt };
    expect(await t.store.completeJob({ ...result, no: no + 1 })).toMatchObject({ status: "stale" });
    await t.store.failJob({ jobId, no, error: sampleError, receipt: null });
    expect(await t.store.completeJob({ ...result, no })).toMatchObject({ status: "stale", job: { state: "failed" } });
    expect(await t.store.getAsset(t.tenantId, asset.id)).toBeNull();
  });
});

describe("losing and canceling", () => {
  it("loseAttempt() counts only what it is told to, delays the retry and fails the job past the limit", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const lose = async (countLoss: boolean) => {
      const no = await t.start(jobId);
      return await t.store.loseAttempt({ jobId, no, ...loss, countLoss, retryInMs: 0, maxLosses: 1 });
    };
    expect(await lose(false)).toMatchObject({ job: { state: "queued", losses: 0, runAfterMs: t.time.nowMs } });
    expect(await lose(true)).toMatchObject({ job: { state: "queued", losses: 1 } });
    expect(await lose(true)).toMatchObject({ job: { state: "failed", losses: 2, error: { code: "pod_lost" } } });
  });

  it("a message about an earlier attempt changes nothing for the current one", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const first = await t.start(jobId);
    await t.store.loseAttempt({ jobId, no: first, ...loss, retryInMs: 0 });
    await t.start(jobId);
    const before = await t.job(jobId);
    await t.store.startJob({ jobId, no: first });
    await t.store.failJob({ jobId, no: first, error: sampleError, receipt: null });
    await t.store.loseAttempt({ jobId, no: first, ...loss });
    expect(await t.job(jobId)).toEqual(before);
  });

  it("failJob() about a lost attempt changes nothing for a job that waits for its retry", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    await t.store.loseAttempt({ jobId, no, ...loss });
    const failed = await t.store.failJob({ jobId, no, error: sampleError, receipt: null });
    expect(failed).toMatchObject({ status: "stale", job: { state: "queued", error: null } });
    expect((await t.store.listAttempts(jobId)).map((attempt) => attempt.state)).toEqual(["lost"]);
  });

  it("startJob() on a canceling job moves only the attempt", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.assign(jobId);
    await t.store.cancelJob({ tenantId: t.tenantId, jobId });
    const before = await t.job(jobId);
    expect(await t.store.startJob({ jobId, no })).toEqual({ status: "done", job: before });
    expect(await t.store.listLiveAttempts()).toMatchObject([{ state: "running", jobState: "canceling", no }]);
    expect(await t.store.startJob({ jobId, no })).toEqual({ status: "stale", job: before });
    expect(before.cancelRequested).toBe(true);
  });

  it("cancelJob() does not find another tenant's job", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const { id: tenantId } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    expect(await t.store.cancelJob({ tenantId, jobId })).toEqual({ status: "stale", job: null });
    expect((await t.job(jobId)).state).toBe("queued");
  });

  it("assignJob() refuses a version that is not the job's any more", async () => {
    await using t = await memoryStore();
    const { id: jobId, ver } = await t.submit();
    await t.assign(jobId);
    await t.store.loseAttempt({ jobId, no: 1, ...loss, retryInMs: 0 });
    const attempt = { attemptId: newAttemptId(), podId: newPodId(), bootId: newBootId(), graphSha256: sha256("g") };
    expect(await t.store.assignJob({ jobId, ver, ...attempt })).toEqual({ status: "stale" });
    expect(await t.store.getAttempt(attempt.attemptId)).toBeNull();
  });
});
