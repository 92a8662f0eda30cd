import { describe, expect, it } from "vitest";
import { SubmitJob } from "../../../../contracts/job.ts";
import { hashRequest } from "../../../../proxy/jobs/request-hash.ts";
import { serviceClasses } from "../../../support/service-classes.ts";
import { newAssetId, sampleAsset } from "../store/samples.ts";
import { bodyWith } from "./graph-fixtures.ts";
import { jobsFixture } from "./service-fixture.ts";

function asked(input: Record<string, unknown> = {}, options: Record<string, unknown> = {}): SubmitJob {
  const spec = { kind: "service", service: "fastwan2.2-5b", input: { prompt: "a ladybug", ...input } };
  return SubmitJob.parse({ spec, options });
}

const READY = JSON.stringify(serviceClasses(true));
const WITHOUT_MODELS = JSON.stringify(serviceClasses(false));

describe("submit() of a service", () => {
  it("draws a seed when none was given, stores it with the spec, and reports it", async () => {
    await using fixture = await jobsFixture({ bodies: [READY], randomSeed: () => 4_711 });
    const job = await fixture.jobs.submit(fixture.caller, asked());
    expect(job).toMatchObject({ kind: "service", service: { id: "fastwan2.2-5b", version: 1, seed: 4_711 } });
    expect(await fixture.jobs.get(fixture.caller, { jobId: job.id, waitMs: 0 }, new AbortController().signal))
      .toMatchObject({ service: { seed: 4_711 } });
    expect(await fixture.testStore.store.getSpec(job.id)).toMatchObject({
      kind: "service",
      service: "fastwan2.2-5b",
      input: { prompt: "a ladybug", seed: 4_711, width: 1_280 },
    });
  });

  it("keeps the caller's seed, and draws whole safe numbers, a new one for each job", async () => {
    await using fixture = await jobsFixture({ bodies: [READY] });
    const { jobs, caller } = fixture;
    expect((await jobs.submit(caller, asked({ seed: 0 }))).service?.seed).toBe(0);
    const seeds = new Set<number>();
    for (let n = 0; n < 20; n++) seeds.add((await jobs.submit(caller, asked())).service?.seed ?? -1);
    expect(seeds.size).toBe(20);
    expect([...seeds].every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  });

  it("answers a repeated request with its job and its first seed: the hash is that of the request", async () => {
    await using fixture = await jobsFixture({ bodies: [READY] });
    const { jobs, caller } = fixture;
    const first = await jobs.submit(caller, asked({}, { idempotencyKey: "once" }));
    const again = await jobs.submit(caller, asked({ width: 1_280 }, { idempotencyKey: "once" }));
    expect([again.id, again.service?.seed]).toEqual([first.id, first.service?.seed]);
    await expect(jobs.submit(caller, asked({ seed: first.service?.seed }, { idempotencyKey: "once" })))
      .rejects.toMatchObject({ code: "idempotency_key_reuse" });
    expect(hashRequest(asked(), 1)).not.toBe(hashRequest(asked({ seed: 1 }), 1));
  });

  it("derives what it needs of a pod from the graph: equal for jobs that differ in values only", async () => {
    await using fixture = await jobsFixture({ bodies: [READY] });
    const { store, job, tenantId } = fixture.testStore;
    const asset = sampleAsset(tenantId);
    await store.createAsset(asset);
    const keyOf = async (input: Record<string, unknown>) =>
      (await job((await fixture.jobs.submit(fixture.caller, asked(input))).id)).placementKey;
    const [text, other] = [await keyOf({}), await keyOf({ width: 960, height: 544, steps: 3, seed: 9 })];
    expect(other).toBe(text);
    const image = { __type: "core/ASSET", info: { id: asset.id } };
    expect(await keyOf({ image })).not.toBe(text);
    const needs = (await store.getNeeds([text])).get(text);
    expect(needs?.classes).toContain("Wan22ImageToVideoLatent");
    expect(needs?.models.map(({ classType, input }) => `${classType}.${input}`)).toEqual([
      ...["CLIPLoader.clip_name", "LoraLoaderModelOnly.lora_name", "UNETLoader.unet_name", "VAELoader.vae_name"],
    ]);
  });

  it("queues it where the models are missing, and names them", async () => {
    await using fixture = await jobsFixture({ bodies: [WITHOUT_MODELS] });
    const { state, waiting } = await fixture.jobs.submit(fixture.caller, asked());
    expect(state).toBe("queued");
    expect(waiting).toMatchObject({
      reason: "missing_model",
      message: expect.stringContaining("wan2.2_vae.safetensors"),
    });
  });

  it("queues it where no pod has its classes, or every ComfyUI refuses its graph: no fault of the caller's", async () => {
    const strict = {
      ...serviceClasses(true),
      VAEDecode: { input: { required: { tiles: ["INT"] } }, output: ["IMAGE"] },
    };
    await using fixture = await jobsFixture({ bodies: [bodyWith(), JSON.stringify(strict)] });
    const { id, waiting } = await fixture.jobs.submit(fixture.caller, asked());
    expect(waiting).toMatchObject({
      reason: "no_capable_pod",
      message: expect.stringMatching(/^No pod can run the service: /),
    });
    const { placementKey } = await fixture.testStore.job(id);
    expect((await fixture.testStore.store.getNeeds([placementKey])).get(placementKey)?.refusedBy).toEqual(["body-1"]);
  });

  it("refuses an image that the tenant does not have", async () => {
    await using fixture = await jobsFixture({ bodies: [READY] });
    const image = { __type: "core/ASSET", info: { id: newAssetId() } };
    await expect(fixture.jobs.submit(fixture.caller, asked({ image }))).rejects.toMatchObject({
      code: "missing_asset",
    });
  });

  it("leaves a workflow without a service", async () => {
    await using fixture = await jobsFixture();
    const workflow = { "1": { class_type: "SaveImage", inputs: {} } };
    const job = await fixture.jobs.submit(fixture.caller, SubmitJob.parse({ spec: { kind: "workflow", workflow } }));
    expect(job).toMatchObject({ kind: "workflow", service: null });
  });
});
