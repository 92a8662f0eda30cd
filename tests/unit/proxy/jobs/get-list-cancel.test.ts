import { describe, expect, it } from "vitest";
import { isTerminal } from "../../../../contracts/job-state.ts";
import { jobId } from "./ids.ts";
import { jobsFixture, request } from "./service-fixture.ts";

const progress = {
  value: 0.5,
  nodesDone: 1,
  nodesTotal: 2,
  currentNode: "2",
  currentNodeClass: "KSampler",
  step: 3,
  steps: 6,
};

const never = new AbortController().signal;

describe("get()", () => {
  it("answers an unknown job and another tenant's alike", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger } = fixture;
    const { id } = await jobs.submit(caller, request());
    await expect(jobs.get(caller, { jobId: jobId(7), waitMs: 0 }, never)).rejects.toMatchObject({ code: "not_found" });
    await expect(jobs.get(stranger, { jobId: id, waitMs: 0 }, never)).rejects.toMatchObject({
      code: "not_found",
      message: `Cannot find job '${id}'`,
      hint: expect.any(String),
    });
    expect((await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).id).toBe(id);
  });

  it("says why a queued job waits, as the planner found", async () => {
    await using fixture = await jobsFixture();
    const { id } = await fixture.jobs.submit(fixture.caller, request());
    fixture.waiting.set(id, { reason: "pods_busy", message: "Pod 'a' can run it, but has no free slot." });
    expect((await fixture.jobs.get(fixture.caller, { jobId: id, waitMs: 0 }, never)).waiting?.reason).toBe("pods_busy");
  });

  it("shows the progress of the running attempt, and of no other", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore, lastProgress } = fixture;
    const { id } = await jobs.submit(caller, request());
    const no = await testStore.start(id);
    lastProgress.set(id, no, progress);
    expect(await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).toMatchObject({
      state: "running",
      progress,
      waiting: null,
    });
    lastProgress.set(id, no + 1, progress);
    expect((await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).progress).toBeNull();
  });
});

describe("list()", () => {
  it("pages the tenant's own jobs, newest first, by state", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger, testStore } = fixture;
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      testStore.time.nowMs += 1;
      ids.unshift((await jobs.submit(caller, request())).id);
    }
    await jobs.submit(stranger, request());
    const first = await jobs.list(caller, { limit: 2 });
    const second = await jobs.list(caller, { limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((job) => job.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    expect((await jobs.list(caller, { limit: 2, state: ["running"] })).items).toEqual([]);
  });
});

describe("cancel()", () => {
  it("takes a job that waits on a pod back from there before it answers, and leaves one that runs to its pod", async () => {
    const recalled: unknown[] = [];
    await using fixture = await jobsFixture({
      settlement: {
        async recall(attempt) {
          recalled.push(attempt);
          const [row] = await fixture.testStore.store.listAttempts(waiting);
          if (row) await fixture.testStore.store.confirmCanceled({ jobId: waiting, no: row.no });
        },
      },
    });
    const { jobs, caller, testStore } = fixture;
    const [waiting, running] = [(await testStore.submit()).id, (await testStore.submit()).id];
    await testStore.assign(waiting);
    expect((await jobs.cancel(caller, waiting)).state).toBe("canceled");
    const [attempt] = await testStore.store.listAttempts(waiting);
    expect(recalled).toEqual([{ podId: attempt?.podId, attemptId: attempt?.id }]);
    await testStore.start(running);
    expect((await jobs.cancel(caller, running)).state).toBe("canceling");
    expect(recalled).toHaveLength(1);
  });

  it("ends a queued job at once, and says so to its watchers", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, hints } = fixture;
    const { id } = await jobs.submit(caller, request());
    hints.length = 0;
    expect((await jobs.cancel(caller, id)).state).toBe("canceled");
    expect(hints).toEqual([id]);
  });

  it("leaves a running job canceling until its pod confirms; repeating changes nothing and nudges the pod", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore, hints } = fixture;
    const { id } = await jobs.submit(caller, request());
    const no = await testStore.start(id);
    const canceling = await jobs.cancel(caller, id);
    expect(canceling).toMatchObject({ state: "canceling", cancelRequested: true });
    hints.length = 0;
    expect(await jobs.cancel(caller, id)).toEqual(canceling);
    expect(hints).toEqual([id]);
    await testStore.store.confirmCanceled({ jobId: id, no });
    expect((await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).state).toBe("canceled");
  });

  it("leaves a finished job as it is", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, hints } = fixture;
    const { id } = await jobs.submit(caller, request());
    const canceled = await jobs.cancel(caller, id);
    hints.length = 0;
    expect(await jobs.cancel(caller, id)).toEqual(canceled);
    expect(isTerminal(canceled.state)).toBe(true);
    expect(hints).toEqual([]);
  });

  it("does not touch another tenant's job, nor tell that it exists", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger } = fixture;
    const { id } = await jobs.submit(caller, request());
    await expect(jobs.cancel(stranger, id)).rejects.toMatchObject({ code: "not_found" });
    await expect(jobs.cancel(caller, jobId(7))).rejects.toMatchObject({ code: "not_found" });
    expect((await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).state).toBe("queued");
  });
});
