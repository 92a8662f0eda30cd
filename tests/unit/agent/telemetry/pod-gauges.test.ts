import { describe, expect, it } from "vitest";
import { createAgentMetrics } from "../../../../agent/telemetry/agent-metrics.ts";
import { readPodGauges } from "../../../../agent/telemetry/pod-gauges.ts";
import { GpuReading, type GpuSample } from "../../../../contracts/agent/gpu.ts";
import { FakeComfyPort } from "../../../support/fake-comfy-port.ts";
import { parsePrometheus, sample } from "../../../support/telemetry/prometheus.ts";

/** A GPU that says nothing but the given fields. */
function reading(fields: Partial<GpuReading>): GpuReading {
  const silent = Object.keys(GpuReading.shape).map((key) => [key, key === "slowdowns" ? [] : null]);
  return GpuReading.parse({ ...Object.fromEntries(silent), index: 0, ...fields });
}

async function read(gpus: GpuReading[], problem: string | null, ready = true) {
  const metrics = createAgentMetrics();
  const comfy = new FakeComfyPort();
  if (ready) comfy.ready();
  const verdict = {
    state: "degraded",
    since: "2026-01-01T00:00:00.000Z",
    seq: 0,
    reasons: [],
    action: "none",
  } as const;
  const gpu = {
    sample: (): Promise<GpuSample> => Promise.resolve({ sampledAt: null, gpus, problem }),
    verdict: () => Promise.resolve({ ...verdict, reasons: [], nodeHint: null }),
  };
  await readPodGauges({ attempts: { slots: () => [{ index: 0, ready: true, attemptId: null }] }, comfy, gpu }, metrics);
  return parsePrometheus(metrics.text());
}

describe("readPodGauges()", () => {
  it("shows each GPU in base units, and no line for what one does not say", async () => {
    const families = await read([
      reading({ utilizationPercent: 55, memoryUsedBytes: 1_000, temperatureC: 60, powerDrawW: 71.5 }),
      reading({ index: 1 }),
    ], null);
    expect(sample(families, 'comfyfleet_gpu_utilization_ratio{gpu="0"}')).toBe(0.55);
    expect(sample(families, 'comfyfleet_gpu_power_watts{gpu="0"}')).toBe(71.5);
    expect([...families.get("comfyfleet_gpu_memory_used_bytes")?.samples ?? []]).toEqual([
      ['comfyfleet_gpu_memory_used_bytes{gpu="0"}', 1_000],
    ]);
  });

  it("shows no GPU while the probe fails, whatever it said last", async () => {
    const families = await read([reading({ utilizationPercent: 55 })], "nvidia-smi is not there");
    expect(families.get("comfyfleet_gpu_utilization_ratio")?.samples.size).toBe(0);
  });

  it("shows the one verdict in force, and whether ComfyUI is ready", async () => {
    const families = await read([], null, false);
    expect(sample(families, 'comfyfleet_gpu_verdict{state="degraded"}')).toBe(1);
    expect(sample(families, 'comfyfleet_gpu_verdict{state="healthy"}')).toBe(0);
    expect(sample(families, "comfyfleet_comfy_ready")).toBe(0);
    expect(sample(families, 'comfyfleet_slot_busy{slot="0"}')).toBe(0);
  });
});
