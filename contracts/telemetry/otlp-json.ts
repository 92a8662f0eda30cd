/** Spans as OTLP/HTTP JSON (`ExportTraceServiceRequest`): ids in hex, 64-bit numbers as text. */
import type { Span } from "./span.ts";

/** Who recorded the spans. */
export interface TelemetryResource {
  /** `service.name` */
  service: string;
  /** `service.version` */
  version: string;
  /** `service.instance.id` */
  instance: string;
}

const KINDS: Readonly<Record<Span["kind"], number>> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

function valueOf(value: string | number | boolean) {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function attributesOf(values: Span["attributes"]) {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }));
}

/** Microseconds are what a double holds of today's time; the nanoseconds below are zero. */
function nanoseconds(epochMs: number): string {
  return `${Math.round(epochMs * 1_000)}000`;
}

function spanOf({ context, parentSpanId, name, kind, startMs, endMs, error, attributes }: Span) {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    flags: 1,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: attributesOf(attributes),
    status: error === null ? {} : { code: STATUS_ERROR, message: error },
  };
}

export function otlpTraces(spans: readonly Span[], { service, version, instance }: TelemetryResource): string {
  const resource = { "service.name": service, "service.version": version, "service.instance.id": instance };
  return JSON.stringify({
    resourceSpans: [{
      resource: { attributes: attributesOf(resource) },
      scopeSpans: [{ scope: { name: "comfyfleet", version }, spans: spans.map(spanOf) }],
    }],
  });
}
