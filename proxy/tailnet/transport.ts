/**
 * The `tailnet` transport: every connection to a pod is dialled through the daemon, which reaches nothing but peers. The
 * only file that sees a pod's tailnet address.
 */
import type { Agent } from "node:http";
import type { Duplex } from "node:stream";
import { FleetError } from "../../contracts/errors.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { AgentTransport } from "../pods/port.ts";
import type { Clock } from "../time/clock.ts";
import { createDialAgent } from "./dial-agent.ts";
import { httpCall } from "../agent-http/http-call.ts";
import type { Paths } from "./paths.ts";
import type { TailnetPeer } from "./peers.ts";
import { leaveBody } from "../agent-http/request-body.ts";

export interface TailnetTransport extends AgentTransport {
  /** Cuts every connection of the pod: it is gone. */
  cut(podId: PodId): void;
  /**
   * Its daemon is another process now, which knows no connection of before. They are used no more, and cut once the path
   * answers again: even the end of a connection would be a packet too early, after whose loss WireGuard waits 5 s.
   */
  renew(podId: PodId): void;
}

export interface TailnetTransportOptions {
  api: Pick<LocalApi<Duplex>, "dial">;
  /** Undefined for a pod that is no peer, or not any more. */
  peerOf: (podId: PodId) => TailnetPeer | undefined;
  paths: Pick<Paths, "open" | "close">;
  clock: Pick<Clock, "after">;
  /** Of the agents. */
  port: number;
  /** A flow that the policy denies is dropped in silence, so a dial ends by this. Default 4,000. */
  connectMs?: number;
}

/** Connections to one address, and what ends the dials to it that are under way. */
interface Pool {
  ip: string;
  agent: Agent;
  closing: AbortController;
}

function noPeer(): FleetError {
  return new FleetError("agent_unreachable", "Cannot reach the agent: its pod is not on the tailnet", {
    hint: "Start the pod again with a new key from 'comfyfleet pods enroll'; 'comfyfleet tailnet check' says more.",
    details: { sent: false },
  });
}

/** The path as it goes on the wire: whatever it looks like, it never names another host. */
function requestPath(path: string): string {
  const { pathname, search } = new URL(`http://agent.invalid${path}`);
  return `${pathname}${search}`;
}

export function createTailnetTransport(options: TailnetTransportOptions): TailnetTransport {
  const { api, peerOf, paths, clock, port, connectMs = 4_000 } = options;
  const pools = new Map<PodId, Pool>();

  async function dial(podId: PodId, closing: AbortSignal): Promise<Duplex> {
    const peer = peerOf(podId);
    if (!peer) throw noPeer();
    await paths.open(peer, closing);
    const late = new AbortController();
    const giveUp = () => late.abort(closing.reason);
    closing.addEventListener("abort", giveUp, { once: true });
    const callOff = clock.after(connectMs, () => late.abort());
    try {
      closing.throwIfAborted();
      return await api.dial({ host: peer.ip, port }, late.signal);
    } catch (error) {
      paths.close(peer.stableId);
      throw error;
    } finally {
      callOff();
      closing.removeEventListener("abort", giveUp);
    }
  }

  function cut(podId: PodId): void {
    const pool = pools.get(podId);
    pools.delete(podId);
    end(pool);
  }

  async function renew(podId: PodId): Promise<void> {
    const pool = pools.get(podId);
    const peer = peerOf(podId);
    if (!pool || !peer) return;
    pools.delete(podId);
    await paths.open(peer, pool.closing.signal).catch(() => {});
    end(pool);
  }

  function end(pool: Pool | undefined): void {
    pool?.closing.abort(noPeer());
    pool?.agent.destroy();
  }

  function poolOf(podId: PodId, { ip }: TailnetPeer): Pool {
    const known = pools.get(podId);
    if (known?.ip === ip) return known;
    cut(podId);
    const closing = new AbortController();
    const pool = { ip, closing, agent: createDialAgent(() => dial(podId, closing.signal)) };
    pools.set(podId, pool);
    return pool;
  }

  return {
    cut,
    renew: (podId) => void renew(podId),
    async fetch(podId, path, init) {
      const peer = peerOf(podId);
      if (!peer) {
        leaveBody(init);
        throw noPeer();
      }
      const { agent } = poolOf(podId, peer);
      return await httpCall({ agent, host: peer.ip, port }, requestPath(path), init);
    },
  };
}
