/**
 * Headers that go through to a pod and back: those that tRPC needs. All others stay here, among them
 * `authorization`, `cookie`, `expect`, `set-cookie` and whatever belongs to one hop.
 */
import { formatTraceparent, type TraceContext, TRACEPARENT_HEADER } from "../../contracts/telemetry/trace-context.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

/** What is known of a request to the edge before its route is. */
export interface RequestFacts {
  requestId: string;
  trace: TraceContext;
  /** That the caller asked, where a trusted proxy says so; null: the one in the request. */
  origin?: string | null;
}

const TO_AGENT = ["accept", "content-type", "trpc-accept", "last-event-id"];
const TO_CALLER = ["content-type", "content-length", "cache-control", "x-accel-buffering", "vary", "retry-after"];

function only(headers: Headers, names: readonly string[]): Headers {
  const kept = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}

/** What the agent does belongs to the edge's own span of the request, whose parent the caller may have named. */
export function headersToAgent(headers: Headers, { requestId, trace }: RequestFacts): Record<string, string> {
  const kept = Object.fromEntries(only(headers, TO_AGENT));
  return { ...kept, [REQUEST_ID_HEADER]: requestId, [TRACEPARENT_HEADER]: formatTraceparent(trace) };
}

export function headersToCaller(headers: Headers): Headers {
  const kept = only(headers, TO_CALLER);
  // Where a runtime's fetch decodes the body, its length is another then.
  if (headers.has("content-encoding")) kept.delete("content-length");
  return kept;
}
