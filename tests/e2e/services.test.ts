// The first typed service over a whole fleet: client, edge on both runtimes, agent, and a stand-in that plays its classes.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { file, type Job, type JobEvent } from "../../client/mod.ts";
import { SERVICES } from "../../contracts/services/registry.ts";
import { envelopeOf, jsonLines, runCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { gradientPath } from "../support/fleet/workflows.ts";

const CLIP = readFileSync(new URL("../../fake-comfy/services/test-clip.mp4", import.meta.url));
const CLIP_SHA256 = createHash("sha256").update(CLIP).digest("hex");
/** Small and quick; the stand-in makes the same clip of everything. */
const SMALL = { width: 64, height: 32, length: 5 } as const;

async function waitsWith(fleet: TestFleet, reason: string): Promise<{ job: Job; message: string }> {
  const handle = fleet.client.run("fastwan2.2-5b", { prompt: "a ladybug", ...SMALL });
  await handle.submitted;
  const job = await until(`the job to wait with '${reason}'`, async () => {
    const now = await handle.get();
    return now.waiting?.reason === reason ? now : null;
  });
  expect(await handle.cancel()).toMatchObject({ state: "canceled" });
  return { job, message: job.waiting?.message ?? "" };
}

describe.each(EDGE_RUNTIMES)("fastwan2.2-5b through an edge on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, standInArgs: ["--services", "--step-ms", "60"] });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  it("run() brings a clip from a text, with progress over the steps and the seed that was drawn", async () => {
    const job = fleet.client.run("fastwan2.2-5b", { prompt: "a ladybug on a leaf", ...SMALL });
    const events: JobEvent[] = [];
    for await (const event of job) events.push(event);
    const { outputs, receipt, job: done } = await job;
    expect(outputs).toMatchObject([
      {
        type: "video",
        contentType: "video/mp4",
        name: expect.stringMatching(/fastwan_00001_\.mp4$/),
        sha256: CLIP_SHA256,
      },
    ]);
    expect(Buffer.from(await outputs[0]?.bytes() ?? [])).toEqual(CLIP);
    const sampling = events.flatMap((event) =>
      event.type === "progress" && event.progress.currentNodeClass === "KSampler" ? [event.progress] : []
    );
    expect(sampling.some(({ step, steps }) => steps === 8 && (step ?? 0) > 0)).toBe(true);
    expect(done).toMatchObject({ kind: "service", service: { id: "fastwan2.2-5b", version: 1 } });
    expect(Number.isSafeInteger(done.service?.seed)).toBe(true);
    expect(receipt?.service).toEqual(done.service);
    expect(receipt?.models.map(({ name }) => name).toSorted())
      .toEqual(SERVICES["fastwan2.2-5b"].models.map(({ name }) => name).toSorted());
  });

  it("run() uploads the first frame; equal inputs and seed give one graph", async () => {
    const graphOf = async (seed: number) => {
      const input = { prompt: "it flies off", image: file(gradientPath), seed, steps: 3, ...SMALL };
      const { outputs, receipt, job } = await fleet.client.run("fastwan2.2-5b", input);
      expect(outputs).toMatchObject([{ type: "video", sha256: CLIP_SHA256 }]);
      expect(job.service?.seed).toBe(seed);
      return receipt?.graphSha256;
    };
    const first = await graphOf(7);
    expect(await graphOf(7)).toBe(first);
    expect(await graphOf(8)).not.toBe(first);
  });

  it("run() refuses what the schema refuses, also when it comes past the client", async () => {
    const bad = {
      spec: { kind: "service" as const, service: "fastwan2.2-5b-packed", input: { prompt: "x", fsp: 24 } },
    };
    await expect(fleet.client.call((trpc) => trpc.jobs.submit.mutate(bad))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("'fsp'"),
      hint: expect.stringContaining("Fields are prompt"),
    });
  });

  it("services.list, get and plan tell what there is and what would happen", async () => {
    const { trpc } = fleet.client;
    expect((await trpc.services.list.query({})).items.map(({ id }) => id)).toContain("fastwan2.2-5b");
    const { models } = await trpc.services.get.query({ service: "fastwan2.2-5b" });
    expect(models).toHaveLength(4);
    // A prompt that no URL could carry.
    const plan = await trpc.services.plan.mutate({ service: "fastwan2.2-5b", input: { prompt: "x".repeat(9_999) } });
    expect(plan).toMatchObject({
      variant: "t2v",
      waiting: null,
      pods: [{ verdict: "chosen", missing: { models: [] } }],
    });
    expect(plan.pod).not.toBeNull();
    expect((await trpc.jobs.list.query({ state: ["queued"] })).items).toEqual([]);
  });

  it("the command lists, shows, exports and runs it", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "comfyfleet-services-"));
    try {
      const env = { COMFYFLEET_URL: fleet.baseUrl, COMFYFLEET_KEY: fleet.apiKey };
      const command = (...args: string[]) => runCli(args, { cwd, env });
      expect((await command("services", "ls")).stdout).toContain("fastwan2.2-5b");
      expect((await command("services", "show", "fastwan2.2-5b-packed")).stdout).toMatch(/prompt[\s\S]*wan2\.2_vae/);
      const size = ["width=64", "height=32", "length=5"].flatMap((input) => ["--input", input]);
      const inputs = ["--input", "prompt=7", "--input", "seed=5", ...size];
      const exported = await command("services", "export", "fastwan2.2-5b", ...inputs);
      const graph = z.record(z.string(), z.object({ class_type: z.string(), inputs: z.looseObject({}) }))
        .parse(JSON.parse(exported.stdout));
      expect(graph["6"]?.inputs.text).toBe("7");
      expect(graph["3"]?.inputs.seed).toBe(5);
      // What export prints is a workflow like any other.
      writeFileSync(join(cwd, "graph.json"), exported.stdout);
      const asWorkflow = envelopeOf(await command("run", "graph.json", "--json", "-o", "a"));
      const asService = envelopeOf(await command("run", "fastwan2.2-5b", ...inputs, "--json", "-o", "b"));
      for (const envelope of [asWorkflow, asService]) {
        const { outputs } = z.object({ outputs: z.array(z.looseObject({ path: z.string() })) })
          .parse(envelope.ok ? envelope.data : {});
        expect(outputs).toHaveLength(1);
        expect(readFileSync(join(cwd, outputs[0]?.path ?? "")).equals(CLIP)).toBe(true);
      }
      const refused = await command("run", "fastwan2.2-5b", "--input", "prompt=x", "--input", "width=33", "--json");
      expect([refused.code, jsonLines(refused).length]).toEqual([2, 1]);
      expect(envelopeOf(refused)).toMatchObject({ ok: false, error: { code: "invalid_input" } });
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});

describe.each(EDGE_RUNTIMES)("fastwan2.2-5b on a fleet that cannot run it, edge on %s", (runtime) => {
  it("waits and names the classes that no pod has", async () => {
    await using fleet = await startTestFleet({ runtime });
    const { message } = await waitsWith(fleet, "no_capable_pod");
    expect(message).toMatch(/lacks the classes .*CLIPLoader/);
    const plan = await fleet.client.trpc.services.plan.mutate({ service: "fastwan2.2-5b", input: { prompt: "x" } });
    expect(plan).toMatchObject({ pod: null, pods: [{ verdict: "refused" }] });
    expect(plan.pods[0]?.missing.classes).toContain("Wan22ImageToVideoLatent");
  });

  it("waits and names the models that no pod has", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: ["--services", "classes"] });
    const { message } = await waitsWith(fleet, "missing_model");
    for (const { name } of SERVICES["fastwan2.2-5b"].models) expect(message).toContain(name);
  });
});
