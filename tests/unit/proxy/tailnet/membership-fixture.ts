// A membership over a scripted daemon and a store in memory, and what it did about sessions and connections.
import type { PodId } from "../../../../contracts/ids.ts";
import type { JoinedWith } from "../../../../proxy/tailnet/joined-with.ts";
import { createMembership } from "../../../../proxy/tailnet/membership.ts";
import { createPaths } from "../../../../proxy/tailnet/paths.ts";
import { createPeerWatch } from "../../../../proxy/tailnet/peer-watch.ts";
import { createManualClock, settle } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newEdgeId } from "../store/samples.ts";
import { createScriptedDaemon, statusOf } from "./scripted-daemon.ts";

export const A = { id: 2, host: "gpu-a" };
export const B = { id: 3, host: "gpu-b" };

export interface SetUp {
  prepare?: (store: Awaited<ReturnType<typeof memoryStore>>) => Promise<void>;
  joinedWith?: JoinedWith;
}

export async function setUp({ joinedWith = () => Promise.resolve(null), ...options }: SetUp = {}) {
  const base = await memoryStore();
  await options.prepare?.(base);
  const { store } = base;
  const daemon = createScriptedDaemon();
  daemon.status = statusOf([A, B, { id: 9, host: "laptop", tags: [] }]);
  const clock = createManualClock();
  const watch = createPeerWatch({ api: daemon.api, clock, logger: silentLogger });
  const paths = createPaths({ api: daemon.api, clock, pingMs: 60_000 });
  const members = createMembership({
    ...{ watch, store, joinedWith, paths, clock, logger: silentLogger },
    taken: new Set(["n7"]),
  });
  const did: string[] = [];
  const names = new Map<PodId, string>();
  const held = { byAnother: false };
  const effects = {
    sessions: {
      add: ({ id, name }: { id: PodId; name: string }) => {
        names.set(id, name);
        did.push(`add ${name}`);
      },
      async remove(podId: PodId) {
        did.push(`remove ${names.get(podId) ?? (await store.getPod(podId))?.name}`);
        if (held.byAnother) return false;
        const taken = await store.takePod({ podId, edgeId: newEdgeId(), leaseMs: 1 });
        const phase = "gone";
        if (taken) await store.recordSilence({ podId, epoch: taken.epoch, leaseMs: 1, phase, conditions: [] });
        return true;
      },
      nudge: (podId: PodId) => void did.push(`nudge ${names.get(podId)}`),
    },
    transport: {
      cut: (podId: PodId) => void did.push(`cut ${names.get(podId)}`),
      renew: (podId: PodId) => void did.push(`renew ${names.get(podId)}`),
    },
  };
  const stop = new AbortController();
  const running = Promise.all([watch.run(stop.signal), members.run(effects, stop.signal)]);
  const rest = async () => {
    for (let turn = 0; turn < 4; turn += 1) await settle();
    return did.splice(0);
  };
  return {
    ...{ store, daemon, clock, members, paths, names, held, rest },
    podOf: (name: string) => [...names].find(([, one]) => one === name)?.[0] as PodId,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await base[Symbol.asyncDispose]();
    },
  };
}
