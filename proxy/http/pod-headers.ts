/**
 * Headers that go through to a pod and back: those that tRPC and tracing need. All others stay here, among them
 * `authorization`, `cookie`, `expect`, `set-cookie` and whatever belongs to one hop.
 */
import { REQUEST_ID_HEADER } from "./request-id.ts";

const TO_AGENT = ["accept", "content-type", "trpc-accept", "last-event-id", "traceparent", "tracestate"];
const TO_CALLER = ["content-type", "content-length", "cache-control", "x-accel-buffering", "vary", "retry-after"];

function only(headers: Headers, names: readonly string[]): Headers {
  const kept = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}

export function headersToAgent(headers: Headers, requestId: string): Headers {
  const kept = only(headers, TO_AGENT);
  kept.set(REQUEST_ID_HEADER, requestId);
  return kept;
}

export function headersToCaller(headers: Headers): Headers {
  const kept = only(headers, TO_CALLER);
  // The body comes decoded from fetch: its length is another then.
  if (headers.has("content-encoding")) kept.delete("content-length");
  return kept;
}
