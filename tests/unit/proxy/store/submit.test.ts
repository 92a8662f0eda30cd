import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { newTenantId, sampleJob, sha256 } from "./samples.ts";

describe("submitJob()", () => {
  it("submitJob() stores the job, its spec, its needs and its first event", async () => {
    await using t = await memoryStore();
    const input = sampleJob(t.tenantId, { startWithinMs: 5_000, priority: "batch" });
    const outcome = await t.store.submitJob(input);
    const job = await t.job(input.id);
    expect(outcome).toEqual({ status: "created", job });
    expect(job).toMatchObject({ state: "queued", ver: 1, attempt: 0, createdAtMs: 1_000_000, startByMs: 1_005_000 });
    expect(job.priority).toBe("batch");
    expect(await t.store.getSpec(input.id)).toEqual(input.spec);
    expect(await t.store.getNeeds(["EmptyImage", "unknown"])).toEqual(new Map([["EmptyImage", input.needs]]));
    expect(await t.store.listEvents(input.id, 0)).toEqual([
      { jobId: input.id, ver: 1, state: "queued", attempt: 0, atMs: 1_000_000, reason: null },
    ]);
  });

  it("submitJob() stores the trace of the submit, for the job and its attempts; a repeated submit does not change it", async () => {
    await using t = await memoryStore();
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const idempotency = { space: "trpc", key: "k" } as const;
    const { id } = await t.submit({ traceparent, idempotency });
    await t.store.submitJob(sampleJob(t.tenantId, { idempotency, traceparent: null }));
    await t.start(id);
    expect((await t.job(id)).traceparent).toBe(traceparent);
    expect((await t.store.listAttempts(id)).map((attempt) => attempt.traceparent)).toEqual([traceparent]);
  });

  it("submitJob() answers a repeated key and body with the first job", async () => {
    await using t = await memoryStore();
    const idempotency = { space: "trpc", key: "k" } as const;
    const first = await t.submit({ idempotency });
    await t.start(first.id);
    const again = await t.store.submitJob(sampleJob(t.tenantId, { idempotency }));
    expect(again).toEqual({ status: "existing", job: await t.job(first.id) });
    expect((await t.store.listJobs(t.tenantId, { limit: 10 })).items).toHaveLength(1);
  });

  it("submitJob() refuses a key that came with another body", async () => {
    await using t = await memoryStore();
    const idempotency = { space: "trpc", key: "k" } as const;
    await t.submit({ idempotency });
    const other = await t.store.submitJob(sampleJob(t.tenantId, { idempotency, requestSha256: sha256("other") }));
    expect(other).toEqual({ status: "key_reused" });
  });

  it("submitJob() keeps keys apart by space and by tenant, and jobs without a key apart always", async () => {
    await using t = await memoryStore();
    const { id: otherTenant } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    await t.submit({ idempotency: { space: "trpc", key: "k" } });
    await t.submit({ idempotency: { space: "v2", key: "k", replay: false } });
    await t.submit({ tenantId: otherTenant, idempotency: { space: "trpc", key: "k" } });
    await t.submit();
    await t.submit();
    expect(await t.store.listQueue(10)).toHaveLength(5);
  });

  it("submitJob() leaves nothing behind when it fails", async () => {
    await using t = await memoryStore();
    const job = sampleJob(newTenantId(), { placementKey: "of a tenant that is not there" });
    await expect(t.store.submitJob(job)).rejects.toThrow(/FOREIGN KEY/);
    expect(await t.store.getJob(job.id)).toBeNull();
    expect(await t.store.getNeeds([job.placementKey])).toEqual(new Map());
  });
});
