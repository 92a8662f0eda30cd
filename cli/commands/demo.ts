/** `comfyfleet demo`: the whole path once, on this machine, without GPU or account. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createFleet, file, type Workflow } from "../../client/mod.ts";
import type { CliContext } from "../context.ts";
import { checkFolder } from "../files/save-outputs.ts";
import { EXIT } from "../output/exit-codes.ts";
import { duration } from "../output/job-lines.ts";
import { chooseComfy, describeComfy } from "../up/comfy-source.ts";
import { startLocalFleet } from "../up/local-fleet.ts";
import { DEFAULT_DATA_DIR } from "../credentials.ts";
import { demoComfy } from "../demo/real-comfy.ts";
import { interruption } from "../interruption.ts";
import { accepted, finish } from "./run.ts";

export interface DemoFlags {
  real?: boolean;
  runtime: "auto" | "deno" | "node";
  out: string;
}

const READY_TIMEOUT_MS = 600_000;

function demoFile(name: string): string {
  return fileURLToPath(new URL(`../demo/${name}`, import.meta.url));
}

export async function demo(context: CliContext, flags: DemoFlags): Promise<number> {
  const { render, interrupted, command } = context;
  checkFolder(flags.out);
  const real = flags.real || context.env.COMFYUI_DIR || context.env.COMFYUI_URL;
  const env = real ? await demoComfy(context.env, interrupted, (text) => render.say(text)) : context.env;
  const comfy = chooseComfy(env.COMFYUI_DIR || env.COMFYUI_URL ? undefined : "fake", env);
  render.say(`Starting an edge and an agent with ${describeComfy(comfy)}`);
  const local = await startLocalFleet({
    dataDir: join(DEFAULT_DATA_DIR, "demo"),
    comfy,
    port: 0,
    listenHost: "127.0.0.1",
    runtime: flags.runtime,
    env,
    readyTimeoutMs: READY_TIMEOUT_MS,
    signal: interrupted,
    say: (text) => render.say(`  ${text}`),
  });
  try {
    render.say(`The edge (${local.runtime}) is at ${local.baseUrl}. Submitting a workflow and its picture.`);
    const workflow: Workflow = JSON.parse(readFileSync(demoFile("workflow.json"), "utf8"));
    const fleet = createFleet({ baseUrl: local.baseUrl, apiKey: local.apiKey });
    const picture = { "Picture.image": file(demoFile("postcard.png")) };
    const handle = fleet.run(workflow, picture, { signal: interrupted });
    await accepted(context, handle);
    const result = await finish(context, handle, flags.out);
    if (!result) throw interruption("finish the demo");
    const outputs = result.outputs.map((output) => ({ ...output, path: resolve(output.path) }));
    if (render.json) render.last({ ...result, outputs });
    else {
      const took = result.timing ? `, ${duration(result.timing.totalMs)} from submit to stored result` : "";
      render.result(
        null,
        [
          "",
          `Job ${result.jobId} succeeded${took}.`,
          ...outputs.map((output) => `Saved ${output.path} (${output.sizeBytes} bytes)`),
          "",
          "Try next:",
          `  ${command} up`,
          "      keeps a fleet running (COMFYUI_DIR=… for a real ComfyUI)",
          `  ${command} run WORKFLOW.json`,
          "      runs your own API-format workflow on it, in another terminal",
          `  ${command} demo --real`,
          "      the same on a real ComfyUI on the CPU",
        ].join("\n"),
      );
    }
    return EXIT.ok;
  } finally {
    await local.stop();
  }
}
