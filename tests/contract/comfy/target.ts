// Which server the suite speaks to: `COMFY_TARGET=real` a real ComfyUI on the CPU, else the stand-in of this repository.
import { fileURLToPath } from "node:url";
import { type TargetKind, targetKind } from "../../support/comfy-target.ts";
import { ensureRealComfy } from "../../support/real-comfy/setup.ts";
import { startComfy, type StartedComfy, type StartOptions } from "../../support/real-comfy/start.ts";

/** How long one frame of the stand-in's ColorTransfer takes; the real one needs a quarter of that for 64×64. */
const FAKE_STEP_MS = 1;

/** Starts the chosen server; `options.args` are ComfyUI's own flags. */
export async function startTarget(options: Omit<StartOptions, "comfy" | "program"> = {}): Promise<StartedComfy> {
  switch (targetKind()) {
    case "real":
      return await startComfy({ ...options, comfy: await ensureRealComfy() });
    case "fake":
      return await startComfy({
        ...options,
        args: ["--step-ms", String(FAKE_STEP_MS), ...options.args ?? []],
        program: {
          argv: [process.execPath, "fake-comfy/main.ts"],
          cwd: fileURLToPath(new URL("../../../", import.meta.url)),
        },
        readyTimeoutMs: 20_000,
      });
  }
}

/** The server that all cases of the suite share, and what they must not change. */
export type Target = { kind: TargetKind; server: () => StartedComfy };
