import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { newAssetId, sampleAsset } from "../store/samples.ts";
import { bodyWith, canvasGraph, modelGraph } from "./graph-fixtures.ts";
import { jobsFixture, request } from "./service-fixture.ts";

describe("submit()", () => {
  it("answers with the stored job and tells the planner", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const { jobs, caller, testStore, hints } = fixture;
    const job = await jobs.submit(caller, request(canvasGraph(), { priority: "interactive", startWithinMs: 5_000 }));
    expect(job).toMatchObject({
      state: "queued",
      tenantId: caller.tenantId,
      priority: "interactive",
      ver: 1,
      startBy: new Date(testStore.time.nowMs + 5_000).toISOString(),
      waiting: { reason: "starting" },
    });
    expect(await testStore.store.getSpec(job.id)).toEqual({ kind: "workflow", workflow: canvasGraph() });
    expect(await testStore.job(job.id)).toMatchObject({ state: "queued", runWithinMs: 3_600_000 });
    expect(hints).toEqual(["queue", job.id]);
  });

  it("stores what the graph needs of a pod", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const { id } = await fixture.jobs.submit(fixture.caller, request());
    const { placementKey } = await fixture.testStore.job(id);
    expect((await fixture.testStore.store.getNeeds([placementKey])).get(placementKey)).toEqual({
      classes: ["EmptyImage", "SaveImage"],
      models: [],
    });
  });

  it("stores which bodies refuse the graph", async () => {
    const strict = bodyWith({
      EmptyImage: { input: { required: { width: ["INT", { min: 16 }] } }, output: ["IMAGE"] },
    });
    await using fixture = await jobsFixture({ bodies: [strict, bodyWith(), bodyWith({ EmptyImage: undefined })] });
    const { store, job } = fixture.testStore;
    const needsOf = async (workflow: Workflow) => {
      const { placementKey } = await job((await fixture.jobs.submit(fixture.caller, request(workflow))).id);
      return (await store.getNeeds([placementKey])).get(placementKey);
    };
    expect((await needsOf(canvasGraph()))?.refusedBy).toEqual(["body-0"]);
    expect(await needsOf(canvasGraph({ width: 16 }))).toEqual({ classes: ["EmptyImage", "SaveImage"], models: [] });
  });

  it("answers a repeated idempotency key with the first job, without another hint", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, hints } = fixture;
    const keyed = () => request(canvasGraph(), { idempotencyKey: "once" });
    const first = await jobs.submit(caller, keyed());
    expect((await jobs.submit(caller, keyed())).id).toBe(first.id);
    expect(hints).toHaveLength(2);
  });

  it("answers a repeated request with its job also when the fleet would refuse it by now", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller } = fixture;
    const keyed = () =>
      request({ ...canvasGraph(), "3": { class_type: "Gone", inputs: {} } }, { idempotencyKey: "once" });
    const first = await jobs.submit(caller, keyed());
    await fixture.testStore.store.putObjectInfo({ sha256: "a".repeat(64), body: bodyWith() });
    await fixture.testStore.addPod("a".repeat(64));
    await expect(jobs.submit(caller, request({ ...canvasGraph(), "3": { class_type: "Gone", inputs: {} } })))
      .rejects.toMatchObject({ code: "invalid_workflow" });
    expect((await jobs.submit(caller, keyed())).id).toBe(first.id);
  });

  it("refuses an idempotency key with another body, and lets another tenant use it", async () => {
    await using fixture = await jobsFixture();
    const { jobs, caller, stranger } = fixture;
    const keyed = (width: number) => request(canvasGraph({ width }), { idempotencyKey: "once" });
    const first = await jobs.submit(caller, keyed(8));
    await expect(jobs.submit(caller, keyed(9))).rejects.toMatchObject({
      code: "idempotency_key_reuse",
      status: 409,
      hint: expect.stringContaining("new key"),
    });
    expect((await jobs.submit(stranger, keyed(9))).id).not.toBe(first.id);
  });

  it("refuses an unknown class, and keeps nothing of the job", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const { jobs, caller, hints } = fixture;
    const workflow = { ...canvasGraph(), "3": { class_type: "NoSuchNode", inputs: {} } };
    await expect(jobs.submit(caller, request(workflow))).rejects.toMatchObject({
      code: "invalid_workflow",
      message: expect.stringContaining("NoSuchNode"),
      hint: expect.any(String),
    });
    expect((await jobs.list(caller, { limit: 50 })).items).toEqual([]);
    expect(hints).toEqual([]);
  });

  it("queues a job that only lacks a model, and says which", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const job = await fixture.jobs.submit(fixture.caller, request(modelGraph("big.safetensors")));
    expect(job.state).toBe("queued");
    expect(job.waiting).toMatchObject({
      reason: "missing_model",
      message: expect.stringContaining("'big.safetensors' (UNETLoader.unet_name)"),
    });
  });

  it("queues any sound graph while no pod has told what it can run", async () => {
    await using fixture = await jobsFixture();
    const workflow = { ...canvasGraph(), "3": { class_type: "NoSuchNode", inputs: {} } };
    expect((await fixture.jobs.submit(fixture.caller, request(workflow))).waiting?.reason).toBe("no_pods");
  });

  it("refuses a workflow over the limit", async () => {
    await using fixture = await jobsFixture({
      limits: { maxWorkflowBytes: 100, defaultRunWithinMs: 1_000, maxQueued: 10 },
    });
    await expect(fixture.jobs.submit(fixture.caller, request())).rejects.toMatchObject({
      code: "payload_too_large",
      status: 413,
      hint: expect.stringContaining("assets"),
    });
  });

  it("accepts a reference to an asset of the tenant", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const { jobs, caller, testStore } = fixture;
    const { asset } = await testStore.store.createAsset(sampleAsset(caller.tenantId));
    expect((await jobs.submit(caller, request(loadGraph(asset.id)))).state).toBe("queued");
  });

  it("refuses a reference to an unknown asset and to another tenant's with the same words", async () => {
    await using fixture = await jobsFixture({ bodies: [bodyWith()] });
    const { jobs, caller, stranger, testStore } = fixture;
    const { asset } = await testStore.store.createAsset(sampleAsset(stranger.tenantId));
    for (const assetId of [asset.id, newAssetId(), "not-an-id"]) {
      await expect(jobs.submit(caller, request(loadGraph(assetId)))).rejects.toMatchObject({
        code: "missing_asset",
        message: `Cannot run workflow: asset '${assetId}' does not exist`,
        hint: expect.stringContaining("Upload"),
        details: { assetIds: [assetId], uses: [{ nodeId: "1", input: "image", assetId }] },
      });
    }
  });

  it("names five assets that are missing, cut short, and lists 50 uses", async () => {
    await using fixture = await jobsFixture();
    const loads = Array.from({ length: 3_000 }, (_, n) => [`${n}`, loadNode(`asset-${n % 900}-${"x".repeat(500)}`)]);
    const error: unknown = await fixture.jobs.submit(fixture.caller, request(parseWorkflow(Object.fromEntries(loads))))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "missing_asset",
      message: expect.stringMatching(/^Cannot run workflow: assets 'asset-0-x+…', .*, … and 895 more do not exist$/),
    });
    const envelope = FleetError.is(error) ? error.toEnvelope() : null;
    expect(envelope?.details?.assetIds).toHaveLength(50);
    expect(envelope?.details?.uses).toHaveLength(50);
    expect(JSON.stringify(envelope).length).toBeLessThan(20_000);
  });

  it("refuses more assets than a pod is given", async () => {
    await using fixture = await jobsFixture();
    const loads = Array.from({ length: 1_001 }, (_, n) => [`${n}`, loadNode(`asset-${n}`)]);
    await expect(fixture.jobs.submit(fixture.caller, request(parseWorkflow(Object.fromEntries(loads)))))
      .rejects.toMatchObject({ code: "invalid_workflow" });
  });
});

function loadNode(assetId: string) {
  return { class_type: "LoadImage", inputs: { image: { __type: "core/ASSET", info: { id: assetId } } } };
}

function loadGraph(assetId: string) {
  return parseWorkflow({
    "1": loadNode(assetId),
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
  });
}
