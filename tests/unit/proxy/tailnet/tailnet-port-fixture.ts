// `tailnet.status` and `tailnet.check` over a scripted daemon, on a clock that the test moves.
import superjson from "superjson";
import { type PodId, toTimestamp } from "../../../../contracts/ids.ts";
import type { Condition } from "../../../../contracts/pod.ts";
import type { TailnetCheck } from "../../../../contracts/tailnet/report.ts";
import { createAgents } from "../../../../proxy/pods/agents.ts";
import type { Path } from "../../../../proxy/tailnet/paths.ts";
import type { TailnetPeer } from "../../../../proxy/tailnet/peers.ts";
import { createTailnetPort } from "../../../../proxy/tailnet/tailnet-port.ts";
import { createFaultyTransport } from "../../../support/faulty-transport.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newEdgeId, newPodId } from "../store/samples.ts";
import { createScriptedDaemon } from "./scripted-daemon.ts";

const DIRECT: Path = { kind: "direct", relay: null, latencyMs: 1.25 };

function peer(id: number): TailnetPeer {
  const at = { nodeId: id, hostName: `gpu-${id}`, ip: `100.64.0.${id}` };
  return { stableId: `n${id}`, ...at, tags: ["tag:pod"], online: true, discoKey: null };
}

export async function setUp() {
  const base = await memoryStore();
  const daemon = createScriptedDaemon();
  const clock = createManualClock();
  const transport = createFaultyTransport();
  const agents = createAgents({ transport, clock, firstEventMs: 1_000 });
  const connected = { now: true };
  const paths = new Map<string, Path>();
  const pods: { member: { podId: PodId; name: string; dev: boolean; ended: AbortController }; peer: TailnetPeer }[] =
    [];
  const port = createTailnetPort({
    api: daemon.api,
    agents,
    clock,
    store: base.store,
    members: { all: () => [...pods] },
    paths: { of: (stableId) => paths.get(stableId) ?? DIRECT },
    isConnected: () => connected.now,
    moreChecks: () => Promise.resolve([{ name: "control server", status: "ok", message: "answers", fix: null }]),
  });
  return {
    ...{ daemon, clock, transport, port, paths, connected, base },
    signal: new AbortController().signal,
    /** A pod whose agent answers `tailnet.selfCheck` with these. */
    async addPod(id: number, reachable?: Partial<Condition>, checks: TailnetCheck[] | null = []): Promise<PodId> {
      const podId = newPodId();
      const name = `gpu-${id}`;
      await base.store.registerPod({ id: podId, name, transportKey: `n${id}`, via: "tailnet" });
      const taken = await base.store.takePod({ podId, edgeId: newEdgeId(), leaseMs: 1_000 });
      const since = toTimestamp(0);
      const condition = { type: "Reachable", status: "true", reason: "x", message: "m", since, ...reachable } as const;
      const silence = { leaseMs: 1_000, phase: "ready", conditions: [condition] } as const;
      await base.store.recordSilence({ podId, epoch: taken?.epoch ?? 0, ...silence, conditions: [condition] });
      pods.push({ member: { podId, name, dev: false, ended: new AbortController() }, peer: peer(id) });
      const answer = { result: { data: superjson.serialize({ now: toTimestamp(clock.nowMs()), checks }) } };
      if (checks) transport.agents.set(podId, { fetch: () => Promise.resolve(Response.json(answer)) } as never);
      return podId;
    },
    [Symbol.asyncDispose]: () => base[Symbol.asyncDispose](),
  };
}

export const brief = (checks: TailnetCheck[]) => checks.map(({ name, status }) => `${name}: ${status}`);
