/** What is noted of every request: one log line, its time by route, and a span where spans go somewhere. */
import type { RecordSpan } from "../../contracts/telemetry/span.ts";
import { childOf, newTrace, parseTraceparent, type TraceContext } from "../../contracts/telemetry/trace-context.ts";
import type { EdgeMetrics } from "../telemetry/edge-metrics.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import { routeName } from "./route-name.ts";

export interface Observation {
  clock: Pick<Clock, "nowMs" | "monotonicMs">;
  metrics: EdgeMetrics;
  /** Null: spans go nowhere. */
  record: RecordSpan | null;
  logger: Logger;
}

export interface ObservedRequest {
  /** The span of this request: what it brings about belongs to it. */
  trace: TraceContext;
  /** At the head of the answer. */
  done(
    end: { path: string; status: number; tenant: string | undefined; requestId: string; client: string | null },
  ): void;
}

export function observeRequest(
  { clock, metrics, record, logger }: Observation,
  { method, traceparent }: { method: string; traceparent: string | null },
): ObservedRequest {
  const parent = parseTraceparent(traceparent);
  const trace = parent === null ? newTrace() : childOf(parent);
  const startMs = clock.nowMs();
  const startedMs = clock.monotonicMs();
  return {
    trace,
    done({ path, status, tenant, requestId, client }) {
      const tookMs = clock.monotonicMs() - startedMs;
      const route = routeName(method, path);
      metrics.observe("comfyfleet_http_request_seconds", tookMs / 1_000, route);
      record?.({
        context: trace,
        parentSpanId: parent?.spanId ?? null,
        name: route,
        kind: "server",
        startMs,
        endMs: startMs + tookMs,
        error: status >= 500 ? `status ${status}` : null,
        attributes: { "http.request.method": method, "http.response.status_code": status, "request.id": requestId },
      });
      const trace_id = trace.traceId;
      logger.info("request", { method, path, status, tookMs: Math.round(tookMs), tenant, client, requestId, trace_id });
    },
  };
}
