/** Spans from a service to its collector over OTLP/HTTP; without a collector they are not even made. */
import { otlpTraces, type TelemetryResource } from "./otlp-json.ts";
import type { OtlpTarget } from "./otlp-settings.ts";
import { createSpanExporter, type SendResult, type SpanExporter } from "./span-exporter.ts";
import type { RecordSpan, Span } from "./span.ts";

export interface TracingOptions {
  target: OtlpTarget | null;
  resource: TelemetryResource;
  fetch: typeof fetch;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
  onExported: (spans: number) => void;
  onDropped: (spans: number) => void;
  logger: { warn(message: string, data?: Record<string, unknown>): void };
}

export interface Tracing {
  /** Null where spans go nowhere. */
  record: RecordSpan | null;
  /** See {@link SpanExporter}. */
  stop: SpanExporter["stop"];
}

/** By OTLP's own rules; anything else would be refused again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** @returns a function that never rejects */
function sender({ url, headers }: OtlpTarget, options: Pick<TracingOptions, "fetch" | "resource">) {
  return async (spans: readonly Span[], signal: AbortSignal): Promise<SendResult> => {
    try {
      const response = await options.fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: otlpTraces(spans, options.resource),
        // Its headers may hold a secret that is meant for this address alone.
        redirect: "error",
        signal,
      });
      await response.body?.cancel();
      if (response.ok) return { status: "taken" };
      return { status: RETRYABLE.has(response.status) ? "again" : "refused", reason: `status ${response.status}` };
    } catch (error) {
      return { status: "again", reason: String(error) };
    }
  };
}

export function createTracing(options: TracingOptions): Tracing {
  const { target, logger } = options;
  if (target === null) return { record: null, stop: () => Promise.resolve() };
  return createSpanExporter({
    ...options,
    send: sender(target, options),
    onFailing: (reason) =>
      logger.warn("spans not exported", { reason, hint: "Look at the collector of OTEL_EXPORTER_OTLP_ENDPOINT." }),
  });
}
