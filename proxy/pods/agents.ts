/** Typed access to agents over the transport: tRPC calls, event streams and raw HTTP. */
import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, type TRPCClient } from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import { readAttemptEvent, readPodEvent } from "../../contracts/agent/received.ts";
import type { AgentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import type { PodId } from "../../contracts/ids.ts";
import { answerOfProcedure, errorOfResponse, unsendable } from "./agent-error.ts";
import { eventGauge, type Gauge, limited, limitedBody, MAX_CALL_BYTES, MAX_EVENT_BYTES } from "./answer-limit.ts";
import { traceHeaders } from "./call-trace.ts";
import type { Clock } from "../time/clock.ts";
import { AGENT_SILENCE_MS, singleConnection, type StreamSink } from "./event-stream.ts";
import type { Agents, AgentTransport } from "./port.ts";

/** For libraries that insist on a whole URL: only path and query reach the transport. `.invalid` never resolves. */
const ORIGIN = "http://agent.invalid";

/** How a stream's connection tells its subscriber why it failed: `EventSource` itself drops the reason. */
interface StreamContext {
  [key: string]: unknown;
  failed: (error: unknown) => void;
  /** Bytes have come; keep-alives do not reach the subscriber either. */
  alive: () => void;
}

/** Superjson, whose refusal of our own words is told from a failure on the way. */
const transformer = {
  serialize(value: unknown) {
    try {
      return superjson.serialize(value);
    } catch (error) {
      throw unsendable(error);
    }
  },
  deserialize: superjson.deserialize,
};

interface AgentsOptions {
  transport: AgentTransport;
  clock: Clock;
  /** How long the first event of a stream may take. */
  firstEventMs: number;
  /** How long a stream may be silent. Default: {@link AGENT_SILENCE_MS}. */
  silenceMs?: number;
  /** Clients that are kept. Default 4,000. */
  maxClients?: number;
  /** For `x-request-id`. */
  requestId?: () => string;
}

/** The events of a stream, each of bearable size; what is wrong with one is told before the connection ends. */
function limitedEvents(response: Response, { failed, alive }: StreamContext): Response {
  const gauge = eventGauge(MAX_EVENT_BYTES);
  const telling: Gauge = (chunk) => {
    alive();
    try {
      gauge(chunk);
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  return limited(response, telling);
}

function createClient(podId: PodId, options: AgentsOptions): TRPCClient<AgentRouter> {
  const requestId = options.requestId ?? (() => crypto.randomUUID());
  const url = `${ORIGIN}${AGENT_ROUTES.trpc}`;
  const send = (target: string | URL, init: RequestInit) =>
    options.transport.fetch(podId, String(target).slice(ORIGIN.length), init);
  return createTRPCClient<AgentRouter>({
    links: [
      splitLink({
        condition: (op) => op.type === "subscription",
        true: httpSubscriptionLink({
          url,
          transformer,
          EventSource,
          eventSourceOptions: ({ op }) => ({
            fetch: async (target, { headers, signal }) => {
              const context = op.context as StreamContext;
              const { failed } = context;
              try {
                const response = await send(target, {
                  headers: { ...headers, "x-request-id": requestId() },
                  signal: signal as AbortSignal,
                });
                if (response.status === 200) return limitedEvents(response, context);
                failed(await errorOfResponse(response));
                return new Response(null, { status: response.status });
              } catch (error) {
                failed(error);
                throw error;
              }
            },
          }),
        }),
        false: httpLink({
          url,
          transformer,
          headers: ({ op }) => ({ "x-request-id": requestId(), ...traceHeaders(op.context) }),
          fetch: async (target, init) => {
            const response = await send(target as string | URL, init as RequestInit);
            return await answerOfProcedure(limitedBody(response, MAX_CALL_BYTES));
          },
        }),
      }),
    ],
  });
}

/** A subscription's callbacks, all leading to the sink. */
function callbacks(sink: StreamSink) {
  const context: StreamContext = { failed: sink.cut, alive: sink.alive };
  return {
    context,
    onData: (value: unknown) => sink.data(value),
    onError: (error: unknown) => sink.cut(error),
    onComplete: () => sink.end(),
    onConnectionStateChange: (state: { state: string; error: unknown }) => {
      if (state.state === "connecting" && state.error) sink.cut(state.error);
    },
  };
}

/** Clients that are kept, those used last: pods come and go, and another client costs no connection. */
const MAX_CLIENTS = 4_000;

export function createAgents(options: AgentsOptions): Agents {
  const { maxClients = MAX_CLIENTS } = options;
  const clients = new Map<PodId, TRPCClient<AgentRouter>>();
  const client = (podId: PodId) => {
    const known = clients.get(podId) ?? createClient(podId, options);
    clients.delete(podId);
    clients.set(podId, known);
    const [oldest] = clients.keys();
    if (clients.size > maxClients && oldest !== undefined) clients.delete(oldest);
    return known;
  };
  const { clock, firstEventMs, silenceMs = AGENT_SILENCE_MS } = options;
  const stream = { clock, firstEventMs, silenceMs };
  return {
    client,
    fetch: options.transport.fetch,
    watchAttempt: ({ podId, attemptId, previews }, signal) =>
      singleConnection({
        ...stream,
        signal,
        open: (sink) => client(podId).attempts.watch.subscribe({ attemptId, previews }, callbacks(sink)),
        parse: readAttemptEvent,
      }),
    watchPod: (podId, signal) =>
      singleConnection({
        ...stream,
        signal,
        open: (sink) => client(podId).pod.watch.subscribe(undefined, callbacks(sink)),
        parse: readPodEvent,
      }),
  };
}
