/** The probe of the GPUs, told also what the jobs' ends say of them. */
import { spawn } from "node:child_process";
import { systemClock } from "./comfy/clock.ts";
import type { Host } from "./compose-comfy.ts";
import type { Config } from "./config.ts";
import { followRuns, type Reporter } from "./gpu/follow-runs.ts";
import { GpuService } from "./gpu/gpu-service.ts";
import { smiEnvironment } from "./gpu/smi/environment.ts";
import { smiStarter } from "./gpu/smi/process.ts";
import type { Logger } from "./telemetry/logger.ts";

/** Not started yet. */
export function composeGpu(
  config: Config,
  { host, logger, attempts }: { host: Host; logger: Logger; attempts: Reporter },
): GpuService {
  const gpu = new GpuService({
    startSmi: smiStarter({ path: config.AGENT_NVIDIA_SMI, env: smiEnvironment(host.env), spawn }),
    clock: systemClock,
    random: Math.random,
    logger: logger.child("gpu"),
    intervalMs: config.AGENT_GPU_SAMPLE_MS,
  });
  followRuns(attempts, gpu);
  return gpu;
}
