/** What the edge counts, and where its spans go. */
import { otlpTarget } from "../contracts/telemetry/otlp-settings.ts";
import { createTracing, type Tracing } from "../contracts/telemetry/tracing.ts";
import type { EdgeId } from "../contracts/ids.ts";
import type { Config } from "./config.ts";
import { createEdgeMetrics, type EdgeMetrics } from "./telemetry/edge-metrics.ts";
import { EDGE_VERSION } from "./telemetry/edge-version.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Clock } from "./time/clock.ts";

export function composeTelemetry(
  config: Config,
  { edgeId, clock, logger }: { edgeId: EdgeId; clock: Clock; logger: Logger },
): { metrics: EdgeMetrics; tracing: Tracing } {
  const metrics = createEdgeMetrics();
  const tracing = createTracing({
    target: otlpTarget(config),
    resource: { service: config.OTEL_SERVICE_NAME ?? "comfyfleet-edge", version: EDGE_VERSION, instance: edgeId },
    fetch: globalThis.fetch,
    sleep: clock.sleep,
    random: clock.random,
    onExported: (spans) => metrics.count("comfyfleet_spans_exported_total", "", spans),
    onDropped: (spans) => metrics.count("comfyfleet_spans_dropped_total", "", spans),
    logger: logger.child("telemetry"),
  });
  return { metrics, tracing };
}
