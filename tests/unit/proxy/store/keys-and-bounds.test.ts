import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { sampleJob, sha256 } from "./samples.ts";

const DAY_MS = 86_400_000;
const key = { space: "v2", key: "k", replay: false } as const;
const replay = { ...key, replay: true };

describe("keys of the Comfy API v2", () => {
  it("are refused when they come again, whatever with, unless a replay is asked for", async () => {
    await using t = await memoryStore();
    const { id } = await t.submit({ idempotency: key });
    const again = sampleJob(t.tenantId, { idempotency: key });
    expect(await t.store.submitJob(again)).toEqual({ status: "key_reused" });
    expect(await t.store.findSubmission({ ...again, idempotency: key })).toEqual({ status: "key_reused" });
    const replayed = sampleJob(t.tenantId, { idempotency: replay });
    expect(await t.store.submitJob(replayed)).toMatchObject({ status: "existing", job: { id } });
    expect(await t.store.findSubmission({ ...replayed, idempotency: replay })).toMatchObject({ status: "existing" });
    const other = sampleJob(t.tenantId, { idempotency: replay, requestSha256: sha256("other") });
    expect(await t.store.submitJob(other)).toEqual({ status: "key_reused" });
  });

  it("are free again after 24 hours, and then belong to the next job", async () => {
    await using t = await memoryStore();
    const first = await t.submit({ idempotency: key });
    t.time.nowMs += DAY_MS - 1;
    expect(await t.store.submitJob(sampleJob(t.tenantId, { idempotency: key }))).toEqual({ status: "key_reused" });
    t.time.nowMs += 1;
    expect(await t.store.findSubmission({ ...sampleJob(t.tenantId), idempotency: key })).toBeNull();
    const second = await t.submit({ idempotency: key });
    expect(second.id).not.toBe(first.id);
    expect(await t.store.submitJob(sampleJob(t.tenantId, { idempotency: replay }))).toMatchObject({
      status: "existing",
      job: { id: second.id },
    });
    expect(await t.job(first.id)).toEqual(first);
  });

  it("of jobs.submit are kept as long as their job", async () => {
    await using t = await memoryStore();
    const idempotency = { space: "trpc", key: "k" } as const;
    const { id } = await t.submit({ idempotency });
    t.time.nowMs += 2 * DAY_MS;
    expect(await t.store.submitJob(sampleJob(t.tenantId, { idempotency }))).toMatchObject({ job: { id } });
  });

  it("make one job of many submits at once", async () => {
    await using t = await memoryStore();
    const submits = Array.from({ length: 50 }, () => t.store.submitJob(sampleJob(t.tenantId, { idempotency: key })));
    const outcomes = await Promise.all(submits);
    expect(outcomes.filter((outcome) => outcome.status === "created")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.status === "key_reused")).toHaveLength(49);
    expect((await t.store.listJobs(t.tenantId, { limit: 100 })).items).toHaveLength(1);
  });
});

describe("the bound on a tenant's queue", () => {
  it("refuses the job that would be one too many, keeps nothing of it, and lets it in when one has left", async () => {
    await using t = await memoryStore();
    const first = await t.submit({ maxQueued: 2 });
    await t.submit({ maxQueued: 2, idempotency: key });
    const third = sampleJob(t.tenantId, { maxQueued: 2, metadata: { a: "1" }, idempotency: { ...key, key: "other" } });
    expect(await t.store.submitJob(third)).toEqual({ status: "queue_full" });
    expect(await t.store.getJob(third.id)).toBeNull();
    expect(await t.store.getSpec(third.id)).toBeNull();
    // A repeated request is no further job.
    const repeated = sampleJob(t.tenantId, { maxQueued: 2, idempotency: replay });
    expect(await t.store.submitJob(repeated)).toMatchObject({ status: "existing" });
    await t.assign(first.id);
    expect(await t.store.submitJob(third)).toMatchObject({ status: "created" });
  });

  it("counts each tenant's own", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: "tenant_00000000000000000000000003", name: "other" });
    await t.submit({ maxQueued: 1 });
    expect(await t.store.submitJob(sampleJob(other, { maxQueued: 1 }))).toMatchObject({ status: "created" });
  });
});
