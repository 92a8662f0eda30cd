/** How typed calls travel: a header for the key, a deadline for calls, fetched streams for subscriptions. */
import { httpLink, httpSubscriptionLink, splitLink, type TRPCLink } from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import type { EdgeRouter } from "../contracts/edge/router.ts";
import { TRACEPARENT_HEADER } from "../contracts/telemetry/trace-context.ts";
import { streamRefusal } from "./errors.ts";
import type { StreamContext } from "./one-connection.ts";

export interface LinkOptions {
  /** Of the router, e.g. `http://127.0.0.1:8080/trpc`. */
  url: string;
  /** Of the edge, for messages. */
  baseUrl: string;
  /** Null where callers are known by other means. */
  authorization: string | null;
  /** W3C trace context of a call that has none of its own. */
  traceparent: () => string;
  fetch: typeof fetch;
  requestTimeoutMs: number;
}

/** Of a call that has a trace of its own: see {@link inTrace}. */
function traceOf(context: Record<string, unknown>): string | undefined {
  const value = context[TRACEPARENT_HEADER];
  return typeof value === "string" ? value : undefined;
}

/** The options of a typed call that make it part of a trace. */
export function inTrace(traceparent: string): { context: Record<string, unknown> } {
  return { context: { [TRACEPARENT_HEADER]: traceparent } };
}

/** The same for every router of ours: they share transformer and error shape. */
export function createLinks(options: LinkOptions): TRPCLink<EdgeRouter>[] {
  const { url, baseUrl, authorization, traceparent, requestTimeoutMs } = options;
  const fetchFn = options.fetch;
  const signIn: Record<string, string> = authorization === null ? {} : { authorization };
  return [
    splitLink({
      condition: (op) => op.type === "subscription",
      true: httpSubscriptionLink({
        url,
        transformer: superjson,
        EventSource,
        // The key rides in a header, never in the URL, also when the stream is opened again.
        eventSourceOptions: ({ op }) => ({
          fetch: async (input: string | URL, init: RequestInit) => {
            const headers = { ...(init.headers as Record<string, string>), ...signIn, traceparent: traceparent() };
            const response = await fetchFn(input, { ...init, headers });
            if (response.status === 200) return response;
            const context: StreamContext = op.context;
            context.refused?.(await streamRefusal(response, baseUrl));
            return new Response(null, { status: response.status });
          },
        }),
      }),
      false: httpLink({
        url,
        transformer: superjson,
        headers: ({ op }) => ({ ...signIn, traceparent: traceOf(op.context) ?? traceparent() }),
        fetch: (input, init) => {
          const deadline = AbortSignal.timeout(requestTimeoutMs);
          const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
          return fetchFn(input as string | URL | Request, { ...(init as RequestInit), signal });
        },
      }),
    }),
  ];
}
