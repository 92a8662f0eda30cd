/** A real ComfyUI for `demo --real`: the one COMFYUI_DIR names, else one set up by the checkout's own script. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { FleetError } from "../../contracts/errors.ts";

const SETUP_TIMEOUT_MS = 1_800_000;

/** Printed by the set-up script as its last line. */
const Found = z.object({ comfyuiDir: z.string(), python: z.string() });

/** The environment with COMFYUI_DIR and COMFYUI_PYTHON set. */
export async function demoComfy(
  env: Record<string, string | undefined>,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Record<string, string | undefined>> {
  if (env.COMFYUI_DIR || env.COMFYUI_URL) return withCpu(env);
  const script = fileURLToPath(new URL("../../tests/support/real-comfy/setup.ts", import.meta.url));
  if (!existsSync(script)) {
    throw new FleetError("invalid_input", "Cannot set up a real ComfyUI from the package", {
      hint: "Name one with COMFYUI_DIR (and COMFYUI_PYTHON), or run the demo from a checkout.",
    });
  }
  const running = promisify(execFile)(process.execPath, [script], { signal, timeout: SETUP_TIMEOUT_MS });
  running.child.stderr?.on("data", (chunk: Buffer) => say(chunk.toString().trimEnd()));
  const { stdout } = await running;
  const { comfyuiDir, python } = Found.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  return withCpu({ ...env, COMFYUI_DIR: comfyuiDir, COMFYUI_PYTHON: python });
}

/**
 * The demo needs no GPU, so it must not fail where there is none. One thread: OpenMP threads spin for each other, and
 * where something else has a core, seconds become minutes.
 */
function withCpu(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return {
    ...env,
    COMFYUI_ARGS: env.COMFYUI_ARGS || JSON.stringify(["--cpu"]),
    COMFYUI_ENV: env.COMFYUI_ENV || JSON.stringify({ OMP_NUM_THREADS: "1" }),
  };
}
