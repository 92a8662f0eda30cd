/** What the agent counts. The table in docs/operations.md says the same; a test keeps them equal. */
import { createMetrics, type Metrics } from "../../contracts/telemetry/metrics.ts";

export const AGENT_METRICS = {
  comfyfleet_agent_attempts_total: {
    type: "counter",
    label: "outcome",
    known: ["succeeded", "failed", "canceled", "lost"],
    help: "Attempts that have ended on this pod.",
  },
  comfyfleet_agent_output_bytes_total: {
    type: "counter",
    help: "Bytes of the outputs of attempts that have succeeded on this pod.",
  },
  comfyfleet_slot_busy: { type: "gauge", label: "slot", help: "1 while an attempt has the slot." },
  comfyfleet_comfy_ready: { type: "gauge", help: "1 while ComfyUI takes prompts." },
  comfyfleet_gpu_utilization_ratio: {
    type: "gauge",
    label: "gpu",
    help: "Share of time with a kernel at work, 0 to 1.",
  },
  comfyfleet_gpu_memory_used_bytes: { type: "gauge", label: "gpu", help: "GPU memory in use." },
  comfyfleet_gpu_memory_total_bytes: { type: "gauge", label: "gpu", help: "GPU memory there is." },
  comfyfleet_gpu_temperature_celsius: { type: "gauge", label: "gpu", help: "Temperature of the GPU." },
  comfyfleet_gpu_power_watts: { type: "gauge", label: "gpu", help: "Power that the GPU draws." },
  comfyfleet_gpu_verdict: { type: "gauge", label: "state", help: "1 for the verdict in force, 0 for the others." },
  comfyfleet_spans_exported_total: { type: "counter", help: "Spans that the OTLP collector has taken." },
  comfyfleet_spans_dropped_total: { type: "counter", help: "Spans that found no room or no collector." },
} as const;

export type AgentMetrics = Metrics<typeof AGENT_METRICS>;

export function createAgentMetrics(): AgentMetrics {
  return createMetrics(AGENT_METRICS);
}
