/** The sessions of every pod this edge knows a way to, and the watch over pods that nobody's session holds any more. */
import type { PodId } from "../../contracts/ids.ts";
import type { JobRow } from "../store/job-store.ts";
import type { PodRow } from "../store/pod-store.ts";
import { keepReaping } from "./abandoned.ts";
import type { PodSessions } from "./port.ts";
import { markGone } from "./removed.ts";
import { createPodSession } from "./session.ts";
import type { PodSession, SessionDeps } from "./session-port.ts";

/** A stop may take two seconds in all; calls under way end at once with the signal. */
const STOP_DEADLINE_MS = 1_500;

interface Entry {
  session: PodSession;
  /** As the session has it. */
  dev: boolean;
  /** Aborted when the pod is removed. */
  ended: AbortController;
  done: Promise<void>;
}

/** @param pods that are known from the start, as {@link registerStaticPods} gave them */
export function createPodSessions(deps: SessionDeps, pods: readonly PodRow[]): PodSessions {
  const { store, signals, clock, edgeId } = deps;
  const entries = new Map<PodId, Entry>();
  const stopping = new AbortController();
  let started = false;
  let reaping: Promise<void> = Promise.resolve();
  let stopped: Promise<void> | null = null;
  let unsubscribe = () => {};

  /** A cancel is an order to the agent that must not wait for the next beat. */
  function beatForCancel({ id, state }: JobRow): void {
    if (state !== "canceling") return;
    for (const { session } of entries.values()) if (session.hasJob(id)) session.beatNow();
  }

  function launch(entry: Entry): void {
    const until = AbortSignal.any([stopping.signal, entry.ended.signal]);
    entry.done = entry.done.then(() => entry.session.run(until));
  }

  function add(row: PodRow): void {
    const before = entries.get(row.id);
    if (before?.dev === row.dev || stopping.signal.aborted) return;
    // Whether it is for development is settled for a session's life: a pod that is now otherwise gets another.
    before?.ended.abort(new DOMException("The pod is for other work now", "AbortError"));
    const session = createPodSession(deps, row);
    const entry = { session, dev: row.dev, ended: new AbortController(), done: before?.done ?? Promise.resolve() };
    entries.set(row.id, entry);
    if (started) launch(entry);
  }

  async function remove(podId: PodId): Promise<boolean> {
    const entry = entries.get(podId);
    entries.delete(podId);
    entry?.ended.abort(new DOMException("The pod is gone", "AbortError"));
    await entry?.done;
    return stopping.signal.aborted || await markGone(deps, podId, stopping.signal);
  }

  async function stop(): Promise<void> {
    unsubscribe();
    stopping.abort(new DOMException("The edge is stopping", "AbortError"));
    const deadline = new AbortController();
    const running = Promise.all([reaping, ...[...entries.values()].map(({ done }) => done)]);
    await Promise.race([running, clock.sleep(STOP_DEADLINE_MS, deadline.signal)]);
    deadline.abort();
    if (started) await store.releasePods(edgeId);
  }

  for (const row of pods) add(row);
  return {
    live: () => [...entries.values()].flatMap(({ session }) => session.live() ?? []),
    nudge: (podId) => entries.get(podId)?.session.beatNow(),
    add,
    remove,
    start() {
      if (started || stopping.signal.aborted) return;
      started = true;
      unsubscribe = signals.on("job", beatForCancel);
      for (const entry of entries.values()) launch(entry);
      reaping = keepReaping(deps, entries, stopping.signal);
    },
    stop: () => stopped ??= stop(),
  };
}
