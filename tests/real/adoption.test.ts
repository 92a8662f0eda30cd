// The agent is killed while a real sampler runs: ComfyUI goes on, the next agent adopts it, and the work is done once.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestFleet } from "../support/fleet/fleet.ts";
import { wholeLifecycle } from "../support/fleet/lifecycle.ts";
import { promptsIn, startRealFleet } from "../support/real-comfy/fleet.ts";
import { writeTinyUnet } from "../support/real-comfy/tiny-unet.ts";
import { exampleWorkflow } from "./workflows.ts";

const STEPS = 24;

async function comfyLog(dataDir: string): Promise<string> {
  const names = await readdir(dataDir, { recursive: true });
  const [name = "no log", ...further] = names.filter((one) => basename(one) === "comfyui.log");
  expect(further).toEqual([]);
  return await readFile(join(dataDir, name), "utf8");
}

describe("adoption of a real ComfyUI", () => {
  let modelsDir: string;
  let fleet: TestFleet;
  beforeAll(async () => {
    modelsDir = await mkdtemp(join(tmpdir(), "comfyfleet-models-"));
    await writeTinyUnet(modelsDir);
    const pathsFile = join(modelsDir, "paths.yaml");
    await writeFile(
      pathsFile,
      JSON.stringify({ test: { base_path: modelsDir, diffusion_models: "diffusion_models" } }),
    );
    fleet = await startRealFleet({ runtime: "deno", args: ["--extra-model-paths-config", pathsFile] });
  });
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await rm(modelsDir, { recursive: true, force: true });
  });

  it("a job outlives its agent: same ComfyUI, one attempt, one result", async () => {
    const pid = fleet.comfyPid();
    const job = fleet.client.run(await exampleWorkflow("ksampler"), { "Sampler.steps": STEPS });
    const states: string[] = [];
    let stepAtKill = 0;
    let lastStep = 0;
    for await (const event of job) {
      if (event.type === "status") states.push(event.state);
      if (event.type !== "progress" || event.progress.currentNodeClass !== "KSampler") continue;
      lastStep = event.progress.step ?? lastStep;
      if (stepAtKill > 0 || lastStep < 1) continue;
      stepAtKill = lastStep;
      await fleet.agent.kill();
      expect(await promptsIn(fleet.comfyUrl)).toBe(1);
      fleet.agent.start();
    }
    expect(stepAtKill).toBeGreaterThan(0);
    expect(stepAtKill).toBeLessThan(STEPS / 2);
    expect(lastStep).toBeGreaterThan(stepAtKill);
    // The stream begins with the job as it is, which may run by then.
    expect(states).toContain("running");
    expect(states).toEqual(["queued", "running", "succeeded"].slice(-states.length));
    expect(fleet.comfyPid()).toBe(pid);
    const { job: final, outputs, receipt } = await job.result();
    expect(final).toMatchObject({ state: "succeeded", attempt: 1, losses: 0 });
    expect(await wholeLifecycle(fleet.client, final.id)).toEqual(["queued", "running", "succeeded"]);
    expect(receipt).toMatchObject({ attempts: 1, losses: 0, cached: false });
    expect(outputs.map(({ type, name }) => [type, name])).toEqual([["image", "sampled_00001_.png"]]);
    expect(fleet.agent.log()).toContain("Adopted");
    // ComfyUI's own account of its whole life; its history has forgotten the prompt by now.
    const log = await comfyLog(fleet.dataDir);
    expect(log.match(/got prompt/g)).toHaveLength(1);
    expect(log.match(/Prompt executed in/g)).toHaveLength(1);
    expect(await promptsIn(fleet.comfyUrl)).toBe(0);
  });
});
