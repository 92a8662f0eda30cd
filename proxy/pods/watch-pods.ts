/** `pods.watch`: every pod as it is, then each that changes, for as long as somebody looks. */
import type { PodsPort } from "../../contracts/edge/ports.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { Pod, PodChange } from "../../contracts/pod.ts";
import type { Signals } from "../signals.ts";
import type { PodStore } from "../store/pod-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createBell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";
import { toPod } from "./service.ts";

/** What another edge learns of a pod is seen within this time; what this one learns, at its hint. */
const POLL_MS = 1_000;
/** Between two reads for one watcher, however many hints come, and for how long one read serves all. */
const MIN_GAP_MS = 100;

export interface WatchPodsOptions {
  store: Pick<PodStore, "listActivePods">;
  signals: Pick<Signals, "on">;
  clock: Clock;
  logger: Logger;
}

/**
 * Equal as long as a watcher has nothing to learn: an answered beat alone is no news, nor how long a packet takes on the
 * same kind of path.
 */
function contentOf(pod: Pod): string {
  const conditions = pod.conditions.map((one) => one.type === "PathDirect" ? { ...one, message: "" } : one);
  return JSON.stringify({ ...pod, conditions, lastSeenAt: null });
}

export function createPodsWatch({ store, signals, clock, logger }: WatchPodsOptions): PodsPort["watch"] {
  let last: { atMs: number; pods: Promise<Pod[]> } | null = null;

  /** One read for all who ask at about the same time. */
  function read(): Promise<Pod[]> {
    const atMs = clock.monotonicMs();
    if (last === null || atMs - last.atMs >= MIN_GAP_MS) {
      last = { atMs, pods: store.listActivePods().then((rows) => rows.map(toPod)) };
    }
    return last.pods;
  }

  return async function* watch(signal): AsyncGenerator<PodChange, void> {
    const bell = createBell(clock);
    const unsubscribe = signals.on("pods", bell.ring);
    const sent = new Map<PodId, string>();
    let isSynced = false;
    try {
      while (!signal.aborted) {
        const pods = await read().catch((error: unknown) => {
          logger.warn("pods not read for a watcher", { error });
          return null;
        });
        for (const pod of pods ?? []) {
          const content = contentOf(pod);
          if (sent.get(pod.id) === content) continue;
          sent.set(pod.id, content);
          yield { type: "pod", pod };
        }
        const there = new Set(pods?.map(({ id }) => id) ?? sent.keys());
        for (const podId of [...sent.keys()].filter((id) => !there.has(id))) {
          sent.delete(podId);
          yield { type: "gone", podId };
        }
        if (!isSynced && pods !== null) yield { type: "synced" };
        isSynced ||= pods !== null;
        await clock.sleep(MIN_GAP_MS, signal);
        await bell.wait(POLL_MS, signal);
      }
    } finally {
      unsubscribe();
    }
  };
}
