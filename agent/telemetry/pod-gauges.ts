/** The gauges of slot, ComfyUI and GPUs, read when they are asked for. What nobody knows has no line. */
import { type GpuReading, GpuState } from "../../contracts/agent/gpu.ts";
import type { Slot } from "../../contracts/agent/messages.ts";
import type { GpuPort } from "../../contracts/agent/ports.ts";
import type { ComfyStatus } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import type { AgentMetrics } from "./agent-metrics.ts";

export interface GaugeSources {
  attempts: { slots(): Slot[] };
  comfy: { readonly status: ComfyStatus };
  gpu: GpuPort;
}

function perGpu(gpus: readonly GpuReading[], read: (gpu: GpuReading) => number | null): [string, number][] {
  return gpus.flatMap((gpu, position): [string, number][] => {
    const value = read(gpu);
    return value === null ? [] : [[String(gpu.index ?? position), value]];
  });
}

export async function readPodGauges({ attempts, comfy, gpu }: GaugeSources, metrics: AgentMetrics): Promise<void> {
  const [{ gpus, problem }, { state }] = await Promise.all([gpu.sample(), gpu.verdict()]);
  // A probe that has failed left its last sample, which says nothing of now.
  const fresh = problem === null ? gpus : [];
  const slots = attempts.slots().map(({ index, attemptId }) => [String(index), attemptId === null ? 0 : 1] as const);
  metrics.setAll("comfyfleet_slot_busy", slots);
  metrics.set("comfyfleet_comfy_ready", takesPrompts(comfy.status) ? 1 : 0);
  const percent = (gpu: GpuReading) => gpu.utilizationPercent === null ? null : gpu.utilizationPercent / 100;
  metrics.setAll("comfyfleet_gpu_utilization_ratio", perGpu(fresh, percent));
  metrics.setAll("comfyfleet_gpu_memory_used_bytes", perGpu(fresh, (one) => one.memoryUsedBytes));
  metrics.setAll("comfyfleet_gpu_memory_total_bytes", perGpu(fresh, (one) => one.memoryTotalBytes));
  metrics.setAll("comfyfleet_gpu_temperature_celsius", perGpu(fresh, (one) => one.temperatureC));
  metrics.setAll("comfyfleet_gpu_power_watts", perGpu(fresh, (one) => one.powerDrawW));
  metrics.setAll("comfyfleet_gpu_verdict", GpuState.options.map((one) => [one, one === state ? 1 : 0] as const));
}
