import { describe, expect, it } from "vitest";
import { PlanService, ServicePlan } from "../../../../contracts/services/views.ts";
import type { LivePod } from "../../../../proxy/pods/port.ts";
import { createServices } from "../../../../proxy/services/services.ts";
import { type ObjectInfo, parseObjectInfo } from "../../../../proxy/jobs/object-info.ts";
import type { QueuedJob } from "../../../../proxy/store/job-store.ts";
import { serviceClasses } from "../../../support/service-classes.ts";
import { recordedInfo } from "../jobs/graph-fixtures.ts";
import { podId } from "../jobs/ids.ts";
import { livePod, queued } from "../scheduler/planner-fixture.ts";

const strict = { ...serviceClasses(true), VAEDecode: { input: { required: { tiles: ["INT"] } }, output: ["IMAGE"] } };
const INFOS: Record<string, ObjectInfo> = {
  ready: parseObjectInfo(JSON.stringify(serviceClasses(true))),
  "no-models": parseObjectInfo(JSON.stringify(serviceClasses(false))),
  "other-classes": recordedInfo(),
  strict: parseObjectInfo(JSON.stringify(strict)),
};

function services(pods: LivePod[], queue: QueuedJob[] = []) {
  const known = [...new Set(pods.flatMap((pod) => pod.objectInfoSha256 ?? []))];
  return createServices({
    store: {
      listQueue: (limit) => Promise.resolve(queue.slice(0, limit)),
      getNeeds: (keys) => Promise.resolve(new Map(keys.map((key) => [key, { classes: ["UNETLoader"], models: [] }]))),
    },
    sessions: { live: () => pods },
    objectInfo: {
      get: (sha256) => Promise.resolve(INFOS[sha256] ?? null),
      known: () =>
        Promise.resolve(known.flatMap((sha256) => {
          const info = INFOS[sha256];
          return info ? [{ sha256, info }] : [];
        })),
    },
  });
}

async function planOf(pods: LivePod[], queue: QueuedJob[] = []): Promise<ServicePlan> {
  const request = PlanService.parse({ service: "fastwan2.2-5b", input: { prompt: "x" } });
  return ServicePlan.parse(await services(pods, queue).plan(request));
}

const on = (n: number, objectInfoSha256: string | null, fields: Partial<LivePod> = {}) =>
  livePod(n, { objectInfoSha256, ...fields });

describe("plan()", () => {
  it("names the pod that would take the job, and why each other one would not", async () => {
    const plan = await planOf([
      on(1, "no-models"),
      on(2, "other-classes"),
      on(3, "ready", { freeSlots: 0 }),
      on(4, "ready", { accepting: false }),
      on(5, "ready"),
      on(6, "ready"),
      on(7, "strict"),
      on(8, null),
    ]);
    expect(plan).toMatchObject({
      service: "fastwan2.2-5b",
      version: 1,
      variant: "t2v",
      pod: { id: podId(5), name: "gpu-5" },
      waiting: null,
      queued: 0,
      eta: { p50Ms: null, p90Ms: null },
    });
    const verdicts = Object.fromEntries(plan.pods.map(({ name, verdict, reason }) => [name, `${verdict}: ${reason}`]));
    expect(verdicts).toEqual({
      "gpu-1": expect.stringMatching(/^refused: It lacks the models .*wan2\.2_ti2v_5B_fp16/),
      "gpu-2": expect.stringMatching(
        /^refused: It lacks the node classes .*Wan22ImageToVideoLatent|^refused: .*CLIPLoader/,
      ),
      "gpu-3": "refused: It can run it, but has no free slot.",
      "gpu-4": expect.stringMatching(/^refused: It takes no work now/),
      "gpu-5": "chosen: It would take the job now.",
      "gpu-6": "possible: It could take the job too.",
      "gpu-7": "refused: Its ComfyUI refuses the service's graph.",
      "gpu-8": "refused: It has not told yet what it can run.",
    });
  });

  it("tells what a pod lacks, with the sizes of the files", async () => {
    const { pods: [pod], pod: chosen, waiting } = await planOf([on(1, "no-models")]);
    expect(chosen).toBeNull();
    expect(waiting).toMatchObject({ reason: "missing_model", message: expect.stringContaining("gpu-1") });
    expect(pod?.missing.classes).toEqual([]);
    expect(pod?.missing.models.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "umt5_xxl_fp8_e4m3fn_scaled.safetensors", folder: "text_encoders", sizeBytes: 6_735_906_897 },
      { name: "wan2.2_ti2v_5B_fp16.safetensors", folder: "diffusion_models", sizeBytes: 9_999_658_848 },
      { name: "wan2.2_vae.safetensors", folder: "vae", sizeBytes: 1_409_400_960 },
      {
        name: "Wan2_2_5B_FastWanFullAttn_lora_rank_128_bf16.safetensors",
        folder: "loras",
        sizeBytes: 660_874_456,
      },
    ].toSorted((a, b) => a.name.localeCompare(b.name)));
  });

  it("stands behind the queue, as the job would", async () => {
    const plan = await planOf([on(1, "ready")], [queued(1)]);
    expect(plan).toMatchObject({ pod: null, queued: 1, waiting: { reason: "pods_busy" } });
    expect(plan.pods[0]).toMatchObject({
      verdict: "possible",
      reason: "Its free slots go to jobs that are before it.",
    });
  });

  it("says that there are no pods", async () => {
    expect(await planOf([])).toMatchObject({ pod: null, pods: [], waiting: { reason: "no_pods" } });
  });

  it("refuses an input that submit would refuse", () => {
    expect(() => PlanService.parse({ service: "fastwan2.2-5b", input: { prompt: "x", width: 31 } }))
      .toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});

describe("list() and get()", () => {
  it("show every service, a page at a time", async () => {
    const { list } = services([]);
    const page = await list({ limit: 50 });
    expect(page).toMatchObject({
      items: [{ id: "fastwan2.2-5b", version: 1, variants: ["t2v", "i2v"], modelBytes: 18_805_841_161 }],
      nextCursor: null,
    });
    expect(await list({ limit: 50, cursor: "fastwan2.2-5b" })).toEqual({ items: [], nextCursor: null });
    await expect(list({ limit: 50, cursor: "made-up" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("tell by id or alias what it takes, makes and needs", async () => {
    const { get } = services([]);
    const details = await get("fastwan2.2-5b-packed");
    expect(details).toMatchObject({
      id: "fastwan2.2-5b",
      inputSchema: { type: "object", required: ["prompt"], additionalProperties: false },
      outputs: [{ name: "video", type: "video" }],
      requirements: { minVramBytes: 8 * 1024 ** 3, classes: expect.arrayContaining(["SaveVideo"]) },
      warmUp: { width: 32 },
    });
    expect(details.models).toHaveLength(4);
    await expect(get("sora")).rejects.toMatchObject({ code: "not_found" });
  });
});
