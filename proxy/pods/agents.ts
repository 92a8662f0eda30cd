/** Typed access to agents over the transport: tRPC calls, event streams and raw HTTP. */
import { createTRPCClientProxy, httpSubscriptionLink, type TRPCClient, type TRPCLink } from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import { readAttemptEvent, readPodEvent } from "../../contracts/agent/received.ts";
import type { AgentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import type { PodId } from "../../contracts/ids.ts";
import { AgentCalls } from "./agent-calls.ts";
import { errorOfResponse } from "./agent-error.ts";
import { eventGauge, type Gauge, limited, MAX_EVENT_BYTES } from "./answer-limit.ts";
import type { Clock } from "../time/clock.ts";
import { AGENT_SILENCE_MS, singleConnection, type StreamSink } from "./event-stream.ts";
import type { AgentRequest, Agents, AgentTransport } from "./port.ts";

/** For a library that insists on a whole URL: only path and query reach the transport. `.invalid` never resolves. */
const ORIGIN = "http://agent.invalid";

/** How a stream's connection tells its subscriber why it failed: `EventSource` itself drops the reason. */
interface StreamContext {
  [key: string]: unknown;
  failed: (error: unknown) => void;
  /** Bytes have come; keep-alives do not reach the subscriber either. */
  alive: () => void;
}

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
  const { transport, requestId = () => crypto.randomUUID() } = options;
  const streams: TRPCLink<AgentRouter> = httpSubscriptionLink({
    url: `${ORIGIN}${AGENT_ROUTES.trpc}`,
    transformer: superjson,
    EventSource,
    eventSourceOptions: ({ op }) => ({
      fetch: async (target, { headers, signal }) => {
        const context = op.context as StreamContext;
        const { failed } = context;
        try {
          const response = await transport.fetch(podId, String(target).slice(ORIGIN.length), {
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
  });
  const send = (path: string, init: AgentRequest) => transport.fetch(podId, path, init);
  return createTRPCClientProxy(new AgentCalls({ send, requestId, streams }));
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
