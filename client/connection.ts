/** One edge as the SDK talks to it: base URL, key, fetch, deadlines. */
import { createTRPCClient, type TRPCClient } from "@trpc/client";
import type { AgentRouter } from "../contracts/agent/router.ts";
import type { EdgeRouter } from "../contracts/edge/router.ts";
import { EDGE_ROUTES, podTrpcPath } from "../contracts/edge/routes.ts";
import { FleetError } from "../contracts/errors.ts";
import type { PodId } from "../contracts/ids.ts";
import { formatTraceparent, newTrace, TRACEPARENT_HEADER } from "../contracts/telemetry/trace-context.ts";
import { ensureOk, toClientError } from "./errors.ts";
import { createLinks } from "./links.ts";
import { typedCall } from "./typed-call.ts";

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
  /** The same for one pod's own contract, through the edge. */
  pod(podId: PodId): TRPCClient<AgentRouter>;
  /** A raw call with the key; rejects with FleetError unless it succeeded. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Runs a typed call and turns what it throws into FleetError, or into the reason of `signal` once that is aborted. */
  call<T>(work: (trpc: TRPCClient<EdgeRouter>) => Promise<T>, signal?: AbortSignal): Promise<T>;
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
  const traceparent = () => options.traceparent?.() ?? formatTraceparent(newTrace());
  const linksTo = (path: string) =>
    createLinks({ url: `${baseUrl}${path}`, baseUrl, authorization, traceparent, fetch: fetchFn, requestTimeoutMs });
  const trpc = createTRPCClient<EdgeRouter>({ links: linksTo(EDGE_ROUTES.trpc) });

  return {
    baseUrl,
    trpc,
    requestTimeoutMs,
    traceparent,
    pod: (podId) => createTRPCClient<AgentRouter>({ links: linksTo(podTrpcPath(podId)) }),
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
    call: typedCall(trpc, baseUrl),
  };
}
