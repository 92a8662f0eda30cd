/** Typed access to agents over the transport: tRPC calls, event streams and raw HTTP. */
import { createTRPCClientProxy } from "@trpc/client";
import type { inferProcedureInput } from "@trpc/server";
import { readAttemptEvent, readPodEvent } from "../../contracts/agent/received.ts";
import type { AgentRouter } from "../../contracts/agent/router.ts";
import type { PodId } from "../../contracts/ids.ts";
import { AgentCalls, queryPath } from "./agent-calls.ts";
import type { AgentClient } from "./agent-client.ts";
import { readStream } from "./agent-stream.ts";
import type { Clock } from "../time/clock.ts";
import { AGENT_SILENCE_MS, singleConnection, type StreamSink } from "./event-stream.ts";
import type { Agents, AgentTransport } from "./port.ts";

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

type WatchAttempt = inferProcedureInput<AgentRouter["attempts"]["watch"]>;

const STREAM = { accept: "text/event-stream" };

/** Clients that are kept, those used last: pods come and go, and another client costs no connection. */
const MAX_CLIENTS = 4_000;

export function createAgents(options: AgentsOptions): Agents {
  const { transport, maxClients = MAX_CLIENTS, requestId = () => crypto.randomUUID() } = options;
  const clients = new Map<PodId, AgentClient>();
  const client = (podId: PodId) => {
    const known = clients.get(podId) ?? createTRPCClientProxy<AgentRouter>(
      new AgentCalls({ send: (path, init) => transport.fetch(podId, path, init), requestId }),
    );
    clients.delete(podId);
    clients.set(podId, known);
    const [oldest] = clients.keys();
    if (clients.size > maxClients && oldest !== undefined) clients.delete(oldest);
    return known;
  };
  const { clock, firstEventMs, silenceMs = AGENT_SILENCE_MS } = options;
  const stream = { clock, firstEventMs, silenceMs };
  const opens = (podId: PodId, path: string) => (sink: StreamSink) =>
    readStream(
      (signal) => transport.fetch(podId, path, { headers: { ...STREAM, "x-request-id": requestId() }, signal }),
      sink,
    );
  return {
    client,
    fetch: transport.fetch,
    watchAttempt: ({ podId, attemptId, previews }, signal) =>
      singleConnection({
        ...stream,
        signal,
        open: opens(podId, queryPath("attempts.watch", { attemptId, previews } satisfies WatchAttempt)),
        parse: readAttemptEvent,
      }),
    watchPod: (podId, signal) =>
      singleConnection({
        ...stream,
        signal,
        open: opens(podId, queryPath("pod.watch", undefined)),
        parse: readPodEvent,
      }),
  };
}
