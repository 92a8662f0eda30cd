/** The trace that a typed call to an agent belongs to: from the caller's options to the header. */
import { formatTraceparent, type TraceContext, TRACEPARENT_HEADER } from "../../contracts/telemetry/trace-context.ts";

/** The `context` of a tRPC call. */
export function traceContext(trace: TraceContext): Record<string, unknown> {
  return { [TRACEPARENT_HEADER]: formatTraceparent(trace) };
}

export function traceHeaders(context: Record<string, unknown>): Record<string, string> {
  const value = context[TRACEPARENT_HEADER];
  return typeof value === "string" ? { [TRACEPARENT_HEADER]: value } : {};
}
