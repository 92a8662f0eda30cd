/** One edge as the SDK talks to it: base URL, key, fetch, deadlines. */
import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, type TRPCClient } from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import type { EdgeRouter } from "../contracts/edge/router.ts";
import { EDGE_ROUTES } from "../contracts/edge/routes.ts";
import { FleetError } from "../contracts/errors.ts";
import { formatTraceparent, newTrace, TRACEPARENT_HEADER } from "../contracts/telemetry/trace-context.ts";
import { ensureOk, toClientError } from "./errors.ts";

export interface ConnectionOptions {
  /** The edge, e.g. `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** `cfl_…`; `undefined`, as from an unset variable, is refused with `unauthorized`. */
  apiKey: string | undefined;
  /** @default globalThis.fetch */
  fetch?: typeof fetch;
  /** Deadline of one call; streams and transfers of bytes have none. @default 30_000 */
  requestTimeoutMs?: number;
  /**
   * W3C `traceparent` of the caller's own span, asked for at every call, so that what the fleet does belongs to the
   * caller's trace. @default a new trace for each call
   */
  traceparent?: () => string | undefined;
}

export interface Connection {
  baseUrl: string;
  trpc: TRPCClient<EdgeRouter>;
  /** Deadline of one call. */
  requestTimeoutMs: number;
  /** Of the caller's span, else of a new trace. */
  traceparent(): string;
  /** A raw call with the key; rejects with FleetError unless it succeeded. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Runs a typed call and turns what it throws into FleetError, or into the reason of `signal` once that is aborted. */
  call<T>(work: (trpc: TRPCClient<EdgeRouter>) => Promise<T>, signal?: AbortSignal): Promise<T>;
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

export function connect(options: ConnectionOptions): Connection {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const fetchFn = options.fetch ?? globalThis.fetch;
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  if (!options.apiKey) {
    throw new FleetError("unauthorized", "Cannot sign in: no API key was given", {
      hint: "Pass apiKey: 'cfl_…'. 'comfyfleet up' shows the first one; keys.create makes others.",
    });
  }
  const authorization = `Bearer ${options.apiKey}`;
  const url = `${baseUrl}${EDGE_ROUTES.trpc}`;
  const traceparent = () => options.traceparent?.() ?? formatTraceparent(newTrace());

  const trpc = createTRPCClient<EdgeRouter>({
    links: [
      splitLink({
        condition: (op) => op.type === "subscription",
        true: httpSubscriptionLink({
          url,
          transformer: superjson,
          EventSource,
          // The key rides in a header, never in the URL, also when the stream is opened again.
          eventSourceOptions: () => ({
            fetch: (input: string | URL, init: RequestInit) =>
              fetchFn(input, {
                ...init,
                headers: { ...(init.headers as Record<string, string>), authorization, traceparent: traceparent() },
              }),
          }),
        }),
        false: httpLink({
          url,
          transformer: superjson,
          headers: ({ op }) => ({ authorization, traceparent: traceOf(op.context) ?? traceparent() }),
          fetch: (input, init) => {
            const deadline = AbortSignal.timeout(requestTimeoutMs);
            const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
            return fetchFn(input as string | URL | Request, { ...(init as RequestInit), signal });
          },
        }),
      }),
    ],
  });

  return {
    baseUrl,
    trpc,
    requestTimeoutMs,
    traceparent,
    async request(path, init = {}) {
      const headers = new Headers(init.headers);
      headers.set("authorization", authorization);
      if (!headers.has(TRACEPARENT_HEADER)) headers.set(TRACEPARENT_HEADER, traceparent());
      const response = await fetchFn(`${baseUrl}${path}`, { ...init, headers }).catch((error: unknown) => {
        init.signal?.throwIfAborted();
        throw toClientError(error, baseUrl);
      });
      return ensureOk(response, baseUrl);
    },
    async call(work, signal) {
      try {
        return await work(trpc);
      } catch (error) {
        signal?.throwIfAborted();
        throw toClientError(error, baseUrl);
      }
    },
  };
}
