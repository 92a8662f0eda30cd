import { describe, expect, it } from "vitest";
import type { Job } from "../../../../contracts/job.ts";
import { settle } from "./manual-clock.ts";
import { jobRow } from "./job-row.ts";
import { type JobsFixture, jobsFixture, request } from "./service-fixture.ts";

const never = new AbortController().signal;

/** A held read of a queued job, and what came of it so far. */
async function held(fixture: JobsFixture, signal = never) {
  const { id } = await fixture.jobs.submit(fixture.caller, request());
  const got: Job[] = [];
  const answer = fixture.jobs.get(fixture.caller, { jobId: id, waitMs: 20_000 }, signal).then((job) => got.push(job));
  await settle();
  const cancel = () => fixture.testStore.store.cancelJob({ tenantId: fixture.caller.tenantId, jobId: id });
  const end = async () => {
    const { job } = await cancel();
    if (job) fixture.signals.emit("job", job);
  };
  return { id, got, answer, cancel, end };
}

describe("get() with waitMs", () => {
  it("answers at the signal of the end, not at one before", async () => {
    await using fixture = await jobsFixture();
    const { id, got, answer, end } = await held(fixture);
    fixture.signals.emit("job", jobRow({ id, state: "running" }));
    await settle();
    expect(got).toEqual([]);
    await end();
    await answer;
    expect(got).toMatchObject([{ id, state: "canceled" }]);
  });

  it("hears of an end that comes while it reads the job", async () => {
    await using fixture = await jobsFixture();
    const { store } = fixture.testStore;
    const { id, end } = await held(fixture);
    const { getJob } = store;
    store.getJob = async (jobId) => {
      store.getJob = getJob;
      const before = await getJob(jobId);
      await end();
      return before;
    };
    const job = fixture.jobs.get(fixture.caller, { jobId: id, waitMs: 20_000 }, never);
    expect(await job).toMatchObject({ id, state: "canceled" });
  });

  it("finds an end that no signal told of by its poll", async () => {
    await using fixture = await jobsFixture();
    const { got, answer, cancel } = await held(fixture);
    await cancel();
    await settle();
    expect(got).toEqual([]);
    await fixture.clock.advance(1_000);
    await answer;
    expect(got).toMatchObject([{ state: "canceled" }]);
  });

  it("goes on looking after the store has failed", async () => {
    await using fixture = await jobsFixture();
    const { got, answer, cancel } = await held(fixture);
    const { store } = fixture.testStore;
    const { findFinal } = store;
    store.findFinal = () => Promise.reject(new Error("disk I/O error"));
    await cancel();
    await fixture.clock.advance(1_000);
    expect(got).toEqual([]);
    store.findFinal = findFinal;
    await fixture.clock.advance(5_000);
    await answer;
    expect(got).toMatchObject([{ state: "canceled" }]);
  });

  it("answers with the job as it is when the time is up, and when the signal aborts", async () => {
    await using fixture = await jobsFixture();
    const first = await held(fixture);
    await fixture.clock.advance(20_000);
    await first.answer;
    expect(first.got).toMatchObject([{ state: "queued" }]);
    const stop = new AbortController();
    const second = await held(fixture, stop.signal);
    stop.abort();
    await second.answer;
    expect(second.got).toMatchObject([{ state: "queued" }]);
    await fixture.clock.advance(5_000);
    expect(fixture.clock.sleeping()).toBe(0);
  });

  it("answers at once for a job that is final, and for another tenant's", async () => {
    await using fixture = await jobsFixture();
    const { id, answer, end } = await held(fixture);
    await end();
    await answer;
    const input = { jobId: id, waitMs: 20_000 };
    expect(await fixture.jobs.get(fixture.caller, input, never)).toMatchObject({ state: "canceled" });
    await expect(fixture.jobs.get(fixture.stranger, input, never)).rejects.toMatchObject({ code: "not_found" });
  });

  it("wakes all who wait for one job without a read of its own", async () => {
    await using fixture = await jobsFixture();
    const { id, end, answer } = await held(fixture);
    const more = Array.from(
      { length: 50 },
      () => fixture.jobs.get(fixture.caller, { jobId: id, waitMs: 20_000 }, never),
    );
    await settle();
    let reads = 0;
    const { findFinal } = fixture.testStore.store;
    fixture.testStore.store.findFinal = (ids) => {
      reads += 1;
      return findFinal(ids);
    };
    await end();
    await Promise.all([answer, ...more]);
    expect(reads).toBe(0);
  });
});
