/**
 * Which pods there are, as the tailnet says: nodes with a pod's tag become pods with a session, and pods whose node has
 * left are gone at once. Each look compares the whole of both sides, so that nothing missed stays missed.
 */
import { typeid } from "typeid-js";
import type { PodId } from "../../contracts/ids.ts";
import { DEV_POD_TAG, hasPodTag } from "../../contracts/tailnet/words.ts";
import type { PodSessions } from "../pods/port.ts";
import { isAwaited } from "../store/enrolment-store.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createBell } from "../time/bell.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import { nameOfNode, podIdOfHostName } from "./host-name.ts";
import type { JoinedWith } from "./joined-with.ts";
import type { Paths } from "./paths.ts";
import type { PeerWatch } from "./peer-watch.ts";
import type { TailnetPeer } from "./peers.ts";
import type { TailnetTransport } from "./transport.ts";

export interface Member {
  podId: PodId;
  name: string;
  dev: boolean;
  /** Stops what goes on for as long as it is a member. */
  ended: AbortController;
}

export interface Members {
  /** Undefined for a pod that is not, or not any more, on the tailnet. */
  peerOf(podId: PodId): TailnetPeer | undefined;
  /** Whether the pod is, or was since the start, reached over the tailnet. */
  has(podId: PodId): boolean;
  /** Those of now, each with its peer. */
  all(): { member: Member; peer: TailnetPeer }[];
}

export interface MembershipOptions {
  watch: PeerWatch;
  store: Pick<PodStore, "registerPod" | "claimEnrolled" | "getPod" | "listActivePods">;
  joinedWith: JoinedWith;
  paths: Paths;
  clock: Clock;
  logger: Logger;
  /** Transport keys of pods that are reached otherwise: no node may pass for one of them. */
  taken: ReadonlySet<string>;
}

/** What is told of comings and goings; set once, because it needs the members itself. */
export interface MembershipEffects {
  sessions: Pick<PodSessions, "add" | "remove" | "nudge">;
  transport: Pick<TailnetTransport, "cut" | "renew">;
}

/** A pod that another edge still holds is looked at again after this. */
const POLL_MS = 5_000;

/** A pod with both tags is one without jobs. */
export function isDevPod({ tags }: Pick<TailnetPeer, "tags">): boolean {
  return tags.includes(DEV_POD_TAG);
}

export interface Membership extends Members {
  /** Resolves when the signal aborts; never rejects. */
  run(effects: MembershipEffects, signal: AbortSignal): Promise<void>;
}

export function createMembership(options: MembershipOptions): Membership {
  const { watch, store, joinedWith, paths, clock, logger, taken } = options;
  /** By StableID. */
  const members = new Map<string, Member>();
  const stableIds = new Map<PodId, string>();
  /** As each node last was. */
  const known = new Map<string, TailnetPeer>();
  const refused = new Set<string>();
  /** Pods whose node has left, until their session and their jobs are seen to. */
  const leaving = new Set<PodId>();

  /** The awaited pod that the node's name and key make it; a name alone is anybody's, and counts where nobody tells the key. */
  async function claim({ stableId, hostName }: TailnetPeer, dev: boolean, signal: AbortSignal): Promise<PodRow | null> {
    const podId = podIdOfHostName(hostName);
    const row = podId && await store.getPod(podId);
    if (!row || !isAwaited(row)) return null;
    const keyId = await joinedWith(stableId, signal);
    const claimed = await store.claimEnrolled({ podId: row.id, stableId, dev, keyId });
    if (!claimed) logger.warn("node is not the enrolled pod whose name it has", { pod: row.id, stableId, keyId, dev });
    return claimed;
  }

  async function register(peer: TailnetPeer, signal: AbortSignal): Promise<PodRow> {
    const { stableId } = peer;
    const dev = isDevPod(peer);
    const claimed = await claim(peer, dev, signal);
    const name = nameOfNode(peer);
    const known = { transportKey: stableId, via: "tailnet", dev } as const;
    return claimed || await store.registerPod({ id: typeid("pod").toString(), name, ...known });
  }

  async function join(peer: TailnetPeer, { sessions }: MembershipEffects, signal: AbortSignal): Promise<void> {
    const { stableId } = peer;
    const before = members.get(stableId);
    if (before?.dev === isDevPod(peer)) return;
    if (taken.has(stableId)) {
      if (!refused.has(stableId)) logger.error("node refused: a pod of EDGE_PODS has its id as name", { stableId });
      refused.add(stableId);
      return;
    }
    const row = await register(peer, signal);
    before?.ended.abort();
    const now = watch.get(stableId);
    if (now === undefined || !hasPodTag(now)) {
      // Left meanwhile. A member without a node would never join again.
      members.delete(stableId);
      leaving.add(row.id);
      return;
    }
    const member = { podId: row.id, name: row.name, dev: row.dev, ended: new AbortController() };
    members.set(stableId, member);
    stableIds.set(row.id, stableId);
    leaving.delete(row.id);
    sessions.add(row);
    void paths.keepWarm(() => watch.get(stableId), AbortSignal.any([signal, member.ended.signal]));
    logger.info("pod joined", { pod: row.id, name: row.name, stableId, dev: row.dev });
  }

  function forget(stableId: string, { transport }: MembershipEffects): void {
    const member = members.get(stableId);
    members.delete(stableId);
    known.delete(stableId);
    paths.forget(stableId);
    if (!member) return;
    member.ended.abort();
    leaving.add(member.podId);
    transport.cut(member.podId);
  }

  /** At once, without the store: nothing more is sent to whoever has left, nor waited for from a daemon that is new. */
  function onChanges({ seen, left }: { seen: TailnetPeer[]; left: TailnetPeer[] }, effects: MembershipEffects): void {
    for (const { stableId } of left) forget(stableId, effects);
    for (const peer of seen) {
      const { stableId } = peer;
      if (!hasPodTag(peer)) {
        forget(stableId, effects);
        continue;
      }
      const before = known.get(stableId);
      known.set(stableId, peer);
      const isOther = before?.discoKey !== peer.discoKey;
      const isBack = peer.online && before?.online === false;
      if (isOther || isBack) paths.close(stableId);
      const member = members.get(stableId);
      if (!member) continue;
      // One whose key was not known may be the same process: what it has open is not worth a guess.
      if (isOther && before?.discoKey) effects.transport.renew(member.podId);
      if ((isOther && before) || isBack) effects.sessions.nudge(member.podId);
    }
  }

  async function look(effects: MembershipEffects, signal: AbortSignal): Promise<void> {
    const failed: unknown[] = [];
    for (const peer of watch.all().filter(hasPodTag)) {
      if (signal.aborted) return;
      // One that cannot be taken in keeps none of the others out.
      await join(peer, effects, signal).catch((error: unknown) => failed.push(error));
    }
    const unseen = watch.isSynced() ? (await store.listActivePods()).filter(isUnseen).map(({ id }) => id) : [];
    await Promise.all([...new Set([...leaving, ...unseen])].map(async (podId) => {
      if (await effects.sessions.remove(podId)) leaving.delete(podId);
    }));
    if (failed.length > 0) throw failed[0];
  }

  /** Has left while nobody looked: this edge was away, or another one held the session. */
  function isUnseen({ via, transportKey }: PodRow): boolean {
    const peer = watch.get(transportKey);
    return via === "tailnet" && (peer === undefined || !hasPodTag(peer));
  }

  const peerOf = (podId: PodId) => {
    const stableId = stableIds.get(podId);
    return stableId !== undefined && members.has(stableId) ? watch.get(stableId) : undefined;
  };
  return {
    peerOf,
    has: (podId) => stableIds.has(podId),
    all: () =>
      [...members].flatMap(([stableId, member]) => {
        const peer = watch.get(stableId);
        return peer ? [{ member, peer }] : [];
      }),
    async run(effects, signal) {
      const bell = createBell(clock);
      const unsubscribe = watch.subscribe((changes) => {
        onChanges(changes, effects);
        bell.ring();
      });
      let failures = 0;
      while (!signal.aborted) {
        try {
          await look(effects, signal);
          failures = 0;
          await bell.wait(POLL_MS, signal);
        } catch (error) {
          failures += 1;
          logger.error("look at the tailnet's pods failed", { error });
          await clock.sleep(backoffMs(clock, failures, { firstMs: 100, maxMs: POLL_MS }), signal);
        }
      }
      unsubscribe();
      for (const { ended } of members.values()) ended.abort();
    },
  };
}
