/** The sessions of every pod this edge knows a way to, and the watch over pods that nobody's session holds any more. */
import type { PodId } from "../../contracts/ids.ts";
import type { JobRow } from "../store/job-store.ts";
import type { PodRow } from "../store/pod-store.ts";
import { keepReaping } from "./abandoned.ts";
import type { PodSessions } from "./port.ts";
import { createPodSession } from "./session.ts";
import type { PodSession, SessionDeps } from "./session-port.ts";

/** A stop may take two seconds in all; calls under way end at once with the signal. */
const STOP_DEADLINE_MS = 1_500;

/** @param pods as {@link registerStaticPods} gave them */
export function createPodSessions(deps: SessionDeps, pods: readonly PodRow[]): PodSessions {
  const { store, signals, clock, edgeId } = deps;
  const sessions = new Map<PodId, PodSession>(pods.map((pod) => [pod.id, createPodSession(deps, pod)]));
  const stopping = new AbortController();
  let running: Promise<unknown> | null = null;
  let stopped: Promise<void> | null = null;
  let unsubscribe = () => {};

  /** A cancel is an order to the agent that must not wait for the next beat. */
  function beatForCancel({ id, state }: JobRow): void {
    if (state !== "canceling") return;
    for (const session of sessions.values()) if (session.hasJob(id)) session.beatNow();
  }

  async function stop(): Promise<void> {
    unsubscribe();
    stopping.abort(new DOMException("The edge is stopping", "AbortError"));
    const deadline = new AbortController();
    await Promise.race([running, clock.sleep(STOP_DEADLINE_MS, deadline.signal)]);
    deadline.abort();
    if (running) await store.releasePods(edgeId);
  }

  return {
    live: () => [...sessions.values()].flatMap((session) => session.live() ?? []),
    nudge: (podId) => sessions.get(podId)?.beatNow(),
    start() {
      if (running || stopping.signal.aborted) return;
      unsubscribe = signals.on("job", beatForCancel);
      const loops = [...sessions.values()].map((session) => session.run(stopping.signal));
      running = Promise.all([...loops, keepReaping(deps, new Set(sessions.keys()), stopping.signal)]);
    },
    stop: () => stopped ??= stop(),
  };
}
