import { describe, expect, it } from "vitest";
import { SubmitJob } from "../../../../contracts/job.ts";
import { sampleError } from "../store/samples.ts";
import { canvasGraph } from "./graph-fixtures.ts";
import { jobId } from "./ids.ts";
import { type JobsFixture, jobsFixture, request } from "./service-fixture.ts";

const never = new AbortController().signal;
const read = { waitMs: 0 };

/** A job of the fixture that has failed. */
async function failedJob({ jobs, caller, testStore }: JobsFixture, submitted = request()) {
  const { id } = await jobs.submit(caller, submitted);
  const no = await testStore.start(id);
  await testStore.store.failJob({ jobId: id, no, error: sampleError, receipt: null });
  return id;
}

describe("retry()", () => {
  it("makes a new job with the spec, priority and deadlines of the old one, which stays as it is", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore: { store } } = fixture;
    const options = { priority: "batch", startWithinMs: 5_000, runWithinMs: 7_000 };
    const old = await failedJob(fixture, request(canvasGraph(), options));
    const before = await jobs.get(caller, { jobId: old, ...read }, never);
    fixture.testStore.time.nowMs += 60_000;
    const job = await jobs.retry(caller, { jobId: old });
    expect(job).toMatchObject({ state: "queued", retryOf: old, priority: "batch", attempt: 0, losses: 0, error: null });
    expect(job.id).not.toBe(old);
    const row = await store.getJob(job.id);
    expect(row).toMatchObject({ runWithinMs: 7_000, retryOf: old });
    expect((row?.startByMs ?? 0) - (row?.createdAtMs ?? 0)).toBe(5_000);
    expect(await store.getSpec(job.id)).toEqual(await store.getSpec(old));
    expect(await jobs.get(caller, { jobId: old, ...read }, never)).toEqual(before);
    expect(before.retryOf).toBeNull();
    expect(fixture.hints.slice(-2)).toEqual(["queue", job.id]);
  });

  it("keeps the seed that a service's job was given", async () => {
    let drawn = 0;
    await using fixture = await jobsFixture({ randomSeed: () => ++drawn });
    const spec = { kind: "service", service: "fastwan2.2-5b", input: { prompt: "a cat" } };
    const old = await failedJob(fixture, SubmitJob.parse({ spec }));
    const job = await fixture.jobs.retry(fixture.caller, { jobId: old });
    expect(job.service).toEqual({ id: "fastwan2.2-5b", version: expect.any(Number), seed: 1 });
    expect(drawn).toBe(1);
  });

  it.each(["queued", "running"])("refuses a job that is %s", async (state) => {
    await using fixture = await jobsFixture();
    const { jobs, caller } = fixture;
    const { id } = await jobs.submit(caller, request());
    if (state === "running") await fixture.testStore.start(id);
    await expect(jobs.retry(caller, { jobId: id })).rejects.toMatchObject({
      code: "conflict",
      message: `Cannot retry job '${id}': it is ${state}`,
      hint: expect.any(String),
    });
  });

  it("repeats canceled and succeeded jobs, and a retry", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller } = fixture;
    const { id } = await jobs.submit(caller, request());
    await jobs.cancel(caller, id);
    const second = await jobs.retry(caller, { jobId: id });
    await jobs.cancel(caller, second.id);
    expect((await jobs.retry(caller, { jobId: second.id })).retryOf).toBe(second.id);
  });

  it("answers an unknown job and another tenant's alike", async () => {
    await using fixture = await jobsFixture();
    const old = await failedJob(fixture);
    await expect(fixture.jobs.retry(fixture.caller, { jobId: jobId(9) })).rejects.toMatchObject({ code: "not_found" });
    await expect(fixture.jobs.retry(fixture.stranger, { jobId: old })).rejects.toMatchObject({ code: "not_found" });
  });

  it("gives the first retry again for the same key, and refuses the key for anything else", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller } = fixture;
    const old = await failedJob(fixture);
    const again = { jobId: old, idempotencyKey: "k" };
    const first = await jobs.retry(caller, again);
    expect((await jobs.retry(caller, again)).id).toBe(first.id);
    expect((await jobs.retry(caller, { jobId: old })).id).not.toBe(first.id);
    const other = { jobId: await failedJob(fixture), idempotencyKey: "k" };
    await expect(jobs.retry(caller, other)).rejects.toMatchObject({ code: "idempotency_key_reuse" });
    await expect(jobs.submit(caller, request(canvasGraph(), { idempotencyKey: "k" })))
      .rejects.toMatchObject({ code: "idempotency_key_reuse" });
  });

  it("refuses a job of another version of its service", async () => {
    await using fixture = await jobsFixture();
    const spec = { kind: "service", service: "fastwan2.2-5b", input: { prompt: "a cat", seed: 1 } };
    const { spec: parsed } = SubmitJob.parse({ spec });
    const { id } = await fixture.testStore.submit({
      spec: parsed,
      service: { id: "fastwan2.2-5b", version: 99, seed: 1 },
    });
    await fixture.jobs.cancel(fixture.caller, id);
    await expect(fixture.jobs.retry(fixture.caller, { jobId: id })).rejects.toMatchObject({
      code: "conflict",
      hint: expect.stringContaining("99"),
    });
  });
});
