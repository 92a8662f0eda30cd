// The services' graphs before a real ComfyUI that has no models: it finds nothing to say but that they are missing.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { exportGraph } from "../../cli/commands/services.ts";
import { SERVICES } from "../../contracts/services/registry.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import { EDGE_RUNTIMES, startTestFleet, until } from "../support/fleet/fleet.ts";
import { startComfy, type StartedComfy } from "../support/real-comfy/start.ts";
import { sourcePicture } from "./workflows.ts";

const { models } = SERVICES["fastwan2.2-5b"];
const NAMES = models.map(({ name }) => name).toSorted();
const DEADLINE_MS = 60_000;

const Answer = z.looseObject({
  error: z.looseObject({ type: z.string() }).optional(),
  node_errors: z.record(
    z.string(),
    z.looseObject({
      errors: z.array(
        z.looseObject({ type: z.string(), extra_info: z.looseObject({ received_value: z.unknown().optional() }) }),
      ),
    }),
  ).default({}),
});

/** Type and value of everything that ComfyUI refuses in a graph. */
async function post(
  comfy: StartedComfy,
  workflow: Workflow,
): Promise<{ status: number; refused: [string, unknown][] }> {
  const response = await fetch(`${comfy.url}/prompt`, {
    method: "POST",
    body: JSON.stringify({ prompt: workflow }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const { node_errors } = Answer.parse(await response.json());
  const errors = Object.values(node_errors).flatMap((node) => node.errors);
  return { status: response.status, refused: errors.map(({ type, extra_info }) => [type, extra_info.received_value]) };
}

function graph(...inputs: string[]): Workflow {
  return exportGraph("fastwan2.2-5b", ["prompt=a ladybug", "seed=7", ...inputs], () => 0).workflow;
}

const I2V = "image=@leaf.png";
const CORNERS = [
  [],
  ["width=32", "height=1280", "length=1", "fps=1", "steps=3", "cfg=10", "shift=1", "loraStrength=1"],
  ["width=1280", "height=32", "length=121", "fps=120", "shift=20", `seed=${Number.MAX_SAFE_INTEGER}`],
].flatMap((inputs) => [inputs, [...inputs, I2V]]);

describe("fastwan2.2-5b on a real ComfyUI without its models", () => {
  let comfy: StartedComfy;
  beforeAll(async () => {
    comfy = await startComfy();
    const form = new FormData();
    form.set("image", new Blob([await sourcePicture("gradient.png")]), "leaf.png");
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const uploaded = await fetch(`${comfy.url}/upload/image`, { method: "POST", body: form, signal });
    expect(uploaded.status).toBe(200);
  });
  afterAll(async () => await comfy?.stop());

  it.each(CORNERS.map((inputs) => [inputs.join(" ") || "defaults", inputs]))(
    "is refused for exactly the names of its manifest: %s",
    async (_, inputs) => {
      const { status, refused } = await post(comfy, graph(...inputs));
      expect(status).toBe(400);
      expect(refused.toSorted(([, a], [, b]) => (String(a) < String(b) ? -1 : 1)))
        .toEqual(NAMES.map((name) => ["value_not_in_list", name]));
    },
  );

  it("would be refused for more, were something else wrong: a size, a picture", async () => {
    const workflow = graph(I2V);
    Object.assign(workflow["55"]?.inputs ?? {}, { width: 16 });
    Object.assign(workflow["56"]?.inputs ?? {}, { image: "never-uploaded.png" });
    const types = (await post(comfy, workflow)).refused.map(([type]) => type);
    expect(types).toEqual(expect.arrayContaining(["value_smaller_than_min", "custom_validation_failed"]));
  });

  it.each(EDGE_RUNTIMES)("keeps a job queued that names every model, edge on %s", async (runtime) => {
    await using fleet = await startTestFleet({ runtime, comfy: { kind: "attach", url: comfy.url } });
    const job = fleet.client.run("fastwan2.2-5b", { prompt: "a ladybug" });
    const submitted = await job.submitted;
    expect(submitted).toMatchObject({ kind: "service", state: "queued" });
    const { waiting } = await until("a reason to wait", async () => {
      const now = await job.get();
      return now.waiting?.message.startsWith("No pod has every model") ? now : null;
    });
    expect(waiting?.reason).toBe("missing_model");
    for (const name of NAMES) expect(waiting?.message).toContain(name);
    const plan = await fleet.client.trpc.services.plan.mutate({ service: "fastwan2.2-5b", input: { prompt: "x" } });
    expect(plan).toMatchObject({ pod: null, pods: [{ verdict: "refused", missing: { classes: [] } }] });
    expect(plan.pods[0]?.missing.models.map(({ name }) => name).toSorted()).toEqual(NAMES);
    expect(await job.cancel()).toMatchObject({ state: "canceled" });
  });

  it("is accepted once files of these names are in the folders of its manifest", async () => {
    for (const { folder, name } of models) {
      await mkdir(join(comfy.baseDir, "models", folder), { recursive: true });
      await writeFile(join(comfy.baseDir, "models", folder, name), "");
    }
    // They are empty, so the run fails in a loader; what counts is that the graph passes.
    expect(await post(comfy, graph())).toEqual({ status: 200, refused: [] });
    expect(await post(comfy, graph(I2V))).toEqual({ status: 200, refused: [] });
  });
});
