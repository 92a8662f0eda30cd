/** The probe of the GPUs, fed also with what the jobs' ends say of them. */
import { spawn } from "node:child_process";
import type { AttemptService } from "./attempts/attempt-service.ts";
import { systemClock } from "./comfy/clock.ts";
import type { Host } from "./compose-comfy.ts";
import type { Config } from "./config.ts";
import { GpuService } from "./gpu/gpu-service.ts";
import { smiEnvironment } from "./gpu/smi/environment.ts";
import { smiStarter } from "./gpu/smi/process.ts";
import type { Logger } from "./telemetry/logger.ts";

interface GpuDeps {
  host: Host;
  logger: Logger;
  attempts: Pick<AttemptService, "onReport">;
}

/** Not started yet. */
export function composeGpu(config: Config, { host, logger, attempts }: GpuDeps): GpuService {
  const gpu = new GpuService({
    startSmi: smiStarter({ path: config.AGENT_NVIDIA_SMI, env: smiEnvironment(host.env), spawn }),
    clock: systemClock,
    random: Math.random,
    logger: logger.child("gpu"),
    intervalMs: config.AGENT_GPU_SAMPLE_MS,
  });
  const known = new Set<string>();
  attempts.onReport(({ attemptId, jobId, state, error }) => {
    const end = state === "succeeded" ? "work_success" : error?.code === "gpu_fault" ? "work_fault" : null;
    if (end === null || known.has(attemptId)) return;
    known.add(attemptId);
    if (known.size > MAX_KNOWN) known.delete(known.values().next().value ?? "");
    gpu.noteRun(end === "work_success" ? { is: end } : { is: end, jobId });
  });
  return gpu;
}

/** Ends that were counted; an attempt is reported several times. */
const MAX_KNOWN = 1_000;
