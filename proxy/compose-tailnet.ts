/** The edge's side of the private network, where `TS_SOCKET` names a daemon. */
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { createLocalApi } from "../contracts/tailnet/local-api.ts";
import type { PodId } from "../contracts/ids.ts";
import type { TailnetPort } from "../contracts/edge/ports.ts";
import type { TailnetCheck } from "../contracts/tailnet/report.ts";
import type { Config } from "./config.ts";
import type { ControlApi } from "./enrollment/port.ts";
import type { AgentTransport } from "./pods/port.ts";
import { createRoutedTransport } from "./pods/routed-transport.ts";
import type { ConditionChange } from "./pods/conditions.ts";
import { checkEdge } from "./tailnet/edge-checks.ts";
import { createTailnetPort, type TailnetPortOptions } from "./tailnet/tailnet-port.ts";
import { pathCondition } from "./tailnet/path-condition.ts";
import { readPathGauges } from "./tailnet/path-gauges.ts";
import type { EdgeMetrics } from "./telemetry/edge-metrics.ts";
import { createJoinedWith } from "./tailnet/joined-with.ts";
import { createMembership, type MembershipEffects, type MembershipOptions } from "./tailnet/membership.ts";
import { createPaths } from "./tailnet/paths.ts";
import { createPeerWatch } from "./tailnet/peer-watch.ts";
import { createSocketRequest } from "./tailnet/socket-request.ts";
import { createTailnetTransport } from "./tailnet/transport.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Clock } from "./time/clock.ts";

export interface EdgeTailnet {
  /** The way to pods on it, with another for all others. */
  beside(direct: AgentTransport): AgentTransport;
  /** The condition `PathDirect` of a pod that is on it. */
  toldByEdge(podId: PodId): ConditionChange[];
  readGauges(): void;
  port(parts: Pick<TailnetPortOptions, "agents" | "store" | "moreChecks">): TailnetPort;
  /** For `/healthz`. */
  health(signal: AbortSignal): Promise<TailnetCheck[]>;
  /** Resolves when the signal aborts; never rejects. What goes on over connections to pods goes on. */
  run(sessions: MembershipEffects["sessions"], signal: AbortSignal): Promise<void>;
  /** Cuts every connection to a pod. After {@link EdgeTailnet.run}. */
  close(): void;
}

interface Parts {
  store: MembershipOptions["store"];
  /** Where nodes are asked about that say they are enrolled; null: nowhere. */
  control: ControlApi | null;
  metrics: EdgeMetrics;
  clock: Clock;
  logger: Logger;
}

/** Null without `TS_SOCKET`. */
export function composeTailnet(config: Config, { store, control, metrics, clock, logger }: Parts): EdgeTailnet | null {
  if (config.TS_SOCKET === undefined) return null;
  const api = createLocalApi<Duplex>({ request: createSocketRequest<Duplex>(request), socketPath: config.TS_SOCKET });
  const watch = createPeerWatch({ api, clock, logger });
  const paths = createPaths({
    api,
    clock,
    pingMs: config.TAILNET_PING_MS,
    onAnswer: ({ kind, latencyMs }) => metrics.observe("comfyfleet_tailnet_ping_seconds", latencyMs / 1_000, kind),
  });
  const taken = new Set(config.EDGE_PODS.map(({ name }) => name));
  const joinedWith = createJoinedWith({ control, clock, logger });
  const members = createMembership({ watch, store, joinedWith, paths, clock, logger, taken });
  const port = config.TAILNET_AGENT_PORT;
  const transport = createTailnetTransport({ api, peerOf: members.peerOf, paths, clock, port });
  return {
    beside: (direct) => createRoutedTransport({ direct, tailnet: transport, isOnTailnet: members.has }),
    port: (parts) => createTailnetPort({ ...parts, api, clock, members, paths, isConnected: watch.isConnected }),
    health: (signal) => checkEdge({ api, clock, isConnected: watch.isConnected }, signal),
    toldByEdge(podId) {
      const peer = members.peerOf(podId);
      return peer ? [pathCondition(paths.of(peer.stableId))] : [];
    },
    readGauges() {
      readPathGauges(members.all().map(({ member, peer }) => [member.podId, paths.of(peer.stableId)]), metrics);
    },
    async run(sessions, signal) {
      await Promise.all([watch.run(signal), members.run({ sessions, transport }, signal)]);
    },
    close() {
      for (const { member } of members.all()) transport.cut(member.podId);
    },
  };
}
