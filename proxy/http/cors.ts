/**
 * Which web pages of other origins may call this edge. Preflights carry no key, so they are answered before
 * authentication. Credentials mode stays off: keys are bearer tokens that the page sends itself, and there are no cookies.
 */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { EXPECTED_SHA256_HEADER } from "../../contracts/edge/routes.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

/** `*`: any page. Else origins as browsers write them, e.g. `https://app.example.com`. Empty: none but the edge's own. */
export type CorsOrigins = "*" | readonly string[];

const REQUEST_HEADERS = [
  "authorization",
  "content-type",
  "trpc-accept",
  "last-event-id",
  REQUEST_ID_HEADER,
  "idempotency-key",
  "idempotency-mode",
  "prefer",
  "range",
  "if-range",
  "if-none-match",
  "traceparent",
  "tracestate",
  EXPECTED_SHA256_HEADER,
];
const RESPONSE_HEADERS = [
  REQUEST_ID_HEADER,
  "etag",
  "content-range",
  "retry-after",
  "preference-applied",
  "idempotency-replayed",
];

/** How long a browser may remember a preflight, seconds. */
const MAX_AGE_S = 600;

/** Null where no other origin may call: then no answer says a word about origins. */
export function allowOrigins(origins: CorsOrigins): MiddlewareHandler | null {
  if (origins !== "*" && origins.length === 0) return null;
  return cors({
    origin: origins === "*" ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "DELETE"],
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: RESPONSE_HEADERS,
    maxAge: MAX_AGE_S,
  });
}
