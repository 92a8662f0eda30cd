// A whole fleet whose agent supervises a real ComfyUI on the CPU, and what its tests ask of ComfyUI itself.
import { z } from "zod";
import type { ComfySource } from "../../../cli/up/plan.ts";
import { type EdgeRuntime, startTestFleet, type TestFleet } from "../fleet/fleet.ts";
import { ensureRealComfy } from "./setup.ts";

export interface RealFleetOptions {
  runtime: EdgeRuntime;
  /** Further flags of ComfyUI. */
  args?: string[];
  /** Further settings of the edge and the agent. */
  env?: Record<string, string>;
}

/** Its start loads torch and every node: seconds with a warm page cache, a minute without. */
const READY_TIMEOUT_MS = 150_000;

/** OpenMP threads that spin for each other make a run twenty times as long when another process has a core. */
const ONE_THREAD = { OMP_NUM_THREADS: "1" };

export interface RealComfySettings {
  comfy: ComfySource;
  env: Record<string, string>;
  readyTimeoutMs: number;
}

/**
 * What makes the pods of a fleet run a real ComfyUI on the CPU, set up first where there is none.
 * @param args further flags of ComfyUI
 */
export async function realComfySettings(args: readonly string[] = []): Promise<RealComfySettings> {
  const { comfyuiDir, python } = await ensureRealComfy();
  return {
    comfy: { kind: "directory", directory: comfyuiDir, python },
    env: {
      COMFYUI_ARGS: JSON.stringify(["--cpu", "--disable-all-custom-nodes", ...args]),
      COMFYUI_ENV: JSON.stringify(ONE_THREAD),
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
  };
}

export async function startRealFleet({ runtime, args = [], env = {} }: RealFleetOptions): Promise<TestFleet> {
  const real = await realComfySettings(args);
  return await startTestFleet({ runtime, ...real, env: { ...real.env, ...env } });
}

const Queue = z.object({ queue_running: z.array(z.unknown()), queue_pending: z.array(z.unknown()) });

/** How many prompts a ComfyUI runs and holds. */
export async function promptsIn(comfyUrl: string): Promise<number> {
  const response = await fetch(`${comfyUrl}/queue`, { signal: AbortSignal.timeout(5_000) });
  const { queue_running, queue_pending } = Queue.parse(await response.json());
  return queue_running.length + queue_pending.length;
}
