import { describe, expect, it } from "vitest";
import { SubmitJob } from "../../../../contracts/job.ts";
import { sampleAsset } from "../store/samples.ts";
import { canvasGraph } from "./graph-fixtures.ts";
import { jobId } from "./ids.ts";
import { jobsFixture, request } from "./service-fixture.ts";

const never = new AbortController().signal;
const MONTH_MS = 30 * 86_400_000;
const labeled = (metadata: Record<string, string>) => request(canvasGraph(), { metadata });

describe("submitV2()", () => {
  it("refuses a used key, and says that a replay was one", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger } = fixture;
    const idempotency = { space: "v2", key: "k", replay: false } as const;
    const first = await jobs.submitV2(caller, request(), { idempotency });
    expect(first).toMatchObject({ replayed: false, job: { state: "queued" } });
    await expect(jobs.submitV2(caller, request(), { idempotency })).rejects.toMatchObject({
      code: "idempotency_key_reuse",
      message: "Cannot submit job: its idempotency key was used before",
      hint: "Use a new key for each request; GET /api/v2/jobs lists the job that the first one made.",
      details: { idempotencyKey: "k" },
    });
    const replay = { idempotency: { ...idempotency, replay: true } };
    expect(await jobs.submitV2(caller, request(), replay)).toMatchObject({ replayed: true, job: { id: first.job.id } });
    await expect(jobs.submitV2(caller, labeled({ a: "1" }), replay))
      .rejects.toMatchObject({ code: "idempotency_key_reuse" });
    expect(await jobs.submitV2(caller, labeled({}), replay)).toMatchObject({ replayed: true });
    expect((await jobs.submitV2(stranger, request(), { idempotency })).replayed).toBe(false);
    expect(await jobs.submitV2(caller, request(), {})).toMatchObject({ replayed: false });
    // Of another space.
    const typed = await jobs.submit(caller, request(canvasGraph(), { idempotencyKey: "k" }));
    expect(typed.id).not.toBe(first.job.id);
  });

  it("holds a key against the graph as it came, and looks it up before names are resolved", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore } = fixture;
    const [first, second] = ["1", "2"].map((text) => sampleAsset(testStore.tenantId, { sha256: text.repeat(64) }));
    if (!first || !second) throw new Error("no samples");
    for (const asset of [first, second]) await testStore.store.createAsset(asset);
    let resolved = 0;
    const named = (name: string) => request({ "1": { class_type: "LoadImage", inputs: { image: name } } });
    const context = (assetId: string) => ({
      idempotency: { space: "v2", key: "k", replay: true } as const,
      resolveAssets: () => {
        resolved += 1;
        const image = { __type: "core/ASSET", info: { id: assetId } };
        return Promise.resolve({ "1": { class_type: "LoadImage", inputs: { image } } });
      },
    });
    const { job } = await jobs.submitV2(caller, named("cat.png"), context(first.id));
    expect(await jobs.workflowOf(caller, job.id)).toMatchObject({
      "1": { inputs: { image: { info: { id: first.id } } } },
    });
    const again = await jobs.submitV2(caller, named("cat.png"), context(second.id));
    expect(again).toMatchObject({ replayed: true, job: { id: job.id } });
    await expect(jobs.submitV2(caller, named("dog.png"), context(first.id)))
      .rejects.toMatchObject({ code: "idempotency_key_reuse" });
    expect(resolved).toBe(1);
  });

  it("leaves the key free when it made no job", async () => {
    await using fixture = await jobsFixture({
      limits: { maxWorkflowBytes: 4_096, defaultRunWithinMs: 1_000, maxQueued: 1 },
    });
    const { jobs, caller, testStore } = fixture;
    const context = { idempotency: { space: "v2", key: "k", replay: false } } as const;
    const reference = { __type: "core/ASSET", info: { id: "asset_00000000000000000000000009" } };
    const lacking = { "1": { class_type: "LoadImage", inputs: { image: reference } } };
    await expect(jobs.submitV2(caller, request(lacking), context)).rejects.toMatchObject({ code: "missing_asset" });
    const { id } = await jobs.submit(caller, request());
    await expect(jobs.submitV2(caller, request(), context)).rejects.toMatchObject({ code: "queue_full" });
    await testStore.assign(id);
    expect((await jobs.submitV2(caller, request(), context)).replayed).toBe(false);
  });

  it("makes one job of many submits at once", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller } = fixture;
    const submit = (replay: boolean) =>
      jobs.submitV2(caller, request(), { idempotency: { space: "v2", key: "k", replay } });
    const refusing = await Promise.allSettled(Array.from({ length: 20 }, () => submit(false)));
    expect(refusing.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    const replaying = await Promise.all(Array.from({ length: 20 }, () => submit(true)));
    expect(new Set(replaying.map(({ job }) => job.id)).size).toBe(1);
    expect((await jobs.list(caller, { limit: 100 })).items).toHaveLength(1);
  });
});

describe("submit()", () => {
  it("refuses what does not fit the tenant's queue, and says when to come again", async () => {
    await using fixture = await jobsFixture({
      limits: { maxWorkflowBytes: 4_096, defaultRunWithinMs: 1_000, maxQueued: 1 },
    });
    const { jobs, caller, stranger } = fixture;
    await jobs.submit(caller, request());
    await expect(jobs.submit(caller, request())).rejects.toMatchObject({
      code: "queue_full",
      status: 429,
      retryable: true,
      retryAfterMs: 5_000,
      message: "Cannot queue job: 1 jobs of this tenant are queued already",
    });
    await jobs.submit(stranger, request());
  });

  it("keeps the labels for get, list and retry", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore: { store, ...testStore } } = fixture;
    const metadata = { project: "spring", order: "42" };
    const { id } = await jobs.submit(caller, labeled(metadata));
    const { id: plain } = await jobs.submit(caller, request());
    expect((await jobs.get(caller, { jobId: id, waitMs: 0 }, never)).metadata).toEqual(metadata);
    expect((await jobs.get(caller, { jobId: plain, waitMs: 0 }, never)).metadata).toEqual({});
    await store.failJob({
      jobId: id,
      no: await testStore.start(id),
      error: { code: "internal", message: "x" },
      receipt: null,
    });
    const again = await jobs.retry(caller, { jobId: id });
    expect(again.metadata).toEqual(metadata);
    const found = await jobs.list(caller, { limit: 10, metadata: { order: "42" } });
    expect(found.items.map((job) => job.id).toSorted()).toEqual([id, again.id].toSorted());
  });
});

describe("queuePosition()", () => {
  it("counts the jobs before it, and is null once it runs", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger, testStore } = fixture;
    const { id: first } = await jobs.submit(stranger, request());
    testStore.time.nowMs += 1;
    const { id: second } = await jobs.submit(caller, request());
    expect([await jobs.queuePosition(first), await jobs.queuePosition(second)]).toEqual([0, 1]);
    await testStore.assign(first);
    expect([await jobs.queuePosition(first), await jobs.queuePosition(second)]).toEqual([0, 0]);
    await testStore.store.startJob({ jobId: first, no: 1 });
    expect(await jobs.queuePosition(first)).toBeNull();
    expect(await jobs.queuePosition(jobId(9))).toBeNull();
  });
});

describe("workflowOf()", () => {
  it("is the graph as submitted, and a service's as built, for its tenant alone", async () => {
    await using fixture = await jobsFixture({ randomSeed: () => 7 });
    const { jobs, caller, stranger, testStore } = fixture;
    const { asset } = await testStore.store.createAsset(sampleAsset(caller.tenantId));
    const image = { __type: "core/ASSET" as const, info: { id: asset.id } };
    const workflow = { "1": { class_type: "LoadImage", inputs: { image } } };
    const { id } = await jobs.submit(caller, request(workflow));
    expect(await jobs.workflowOf(caller, id)).toEqual(workflow);
    await expect(jobs.workflowOf(stranger, id)).rejects.toMatchObject({ code: "not_found" });
    await expect(jobs.workflowOf(caller, jobId(9))).rejects.toMatchObject({ code: "not_found" });
    const spec = { kind: "service", service: "fastwan2.2-5b", input: { prompt: "a cat" } };
    const service = await jobs.submit(caller, SubmitJob.parse({ spec }));
    const built = await jobs.workflowOf(caller, service.id);
    expect(JSON.stringify(built)).toContain("a cat");
  });
});

describe("a job past its retention", () => {
  it("says when it will be one, and from then on is not found by anybody", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, testStore, clock } = fixture;
    const { id } = await jobs.submit(caller, request());
    const read = () => jobs.get(caller, { jobId: id, waitMs: 0 }, never);
    expect(Date.parse((await read()).expiresAt ?? "")).toBe(clock.nowMs() + MONTH_MS);
    await testStore.store.cancelJob({ tenantId: caller.tenantId, jobId: id });
    expect(Date.parse((await read()).expiresAt ?? "")).toBe(testStore.time.nowMs + MONTH_MS);
    await clock.advance(MONTH_MS - 1);
    expect((await read()).state).toBe("canceled");
    await clock.advance(1);
    testStore.time.nowMs += MONTH_MS;
    const notFound = { code: "not_found", message: `Cannot find job '${id}'` };
    await expect(read()).rejects.toMatchObject(notFound);
    await expect(jobs.cancel(caller, id)).rejects.toMatchObject(notFound);
    await expect(jobs.retry(caller, { jobId: id })).rejects.toMatchObject(notFound);
    await expect(jobs.workflowOf(caller, id)).rejects.toMatchObject(notFound);
    const watching = jobs.watch(caller, { jobId: id, previews: false }, never)[Symbol.asyncIterator]();
    await expect(watching.next()).rejects.toMatchObject(notFound);
    expect((await jobs.list(caller, { limit: 10 })).items).toEqual([]);
  });
});
