/** What the agent counts, and where its spans go. */
import { otlpTarget } from "../contracts/telemetry/otlp-settings.ts";
import { createTracing, type Tracing } from "../contracts/telemetry/tracing.ts";
import { recordAttempt } from "./attempts/attempt-trace.ts";
import type { AttemptRecord } from "./attempts/record.ts";
import { systemClock } from "./comfy/clock.ts";
import type { Config } from "./config.ts";
import { AGENT_VERSION } from "./pod/agent-version.ts";
import type { PodIdentity } from "./pod/identity.ts";
import { type AgentMetrics, createAgentMetrics } from "./telemetry/agent-metrics.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface Telemetry {
  metrics: AgentMetrics;
  tracing: Tracing;
  /** Counts an attempt that is over, and makes its spans. */
  attemptEnded(record: Readonly<AttemptRecord>): void;
}

export function composeTelemetry(
  config: Config,
  { identity, logger }: { identity: PodIdentity; logger: Logger },
): Telemetry {
  const metrics = createAgentMetrics();
  const service = config.OTEL_SERVICE_NAME ?? "comfyfleet-agent";
  const tracing = createTracing({
    target: otlpTarget(config),
    resource: { service, version: AGENT_VERSION, instance: identity.bootId },
    fetch: globalThis.fetch,
    sleep: systemClock.sleep,
    random: Math.random,
    onExported: (spans) => metrics.count("comfyfleet_spans_exported_total", "", spans),
    onDropped: (spans) => metrics.count("comfyfleet_spans_dropped_total", "", spans),
    logger: logger.child("telemetry"),
  });
  return {
    metrics,
    tracing,
    attemptEnded(record) {
      metrics.count("comfyfleet_agent_attempts_total", record.state);
      const bytes = record.outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (record.state === "succeeded") metrics.count("comfyfleet_agent_output_bytes_total", "", bytes);
      if (tracing.record !== null) recordAttempt(tracing.record, record, identity.podId);
    },
  };
}
