/**
 * One pod's session: taken by compare-and-set, kept by beats, fed by the pod's event stream. The beat is the truth; an
 * event only brings it forward. Nothing that goes wrong here ends the loop.
 */
import type { PodRow } from "../store/pod-store.ts";
import { createBell } from "../time/bell.ts";
import { backoffMs } from "../time/clock.ts";
import { createHold, type Hold } from "./hold.ts";
import type { PodSession, SessionDeps } from "./session-port.ts";

const MIN_RETAKE_MS = 100;

/** @param pod the row as registered; its conditions and phase are carried on */
export function createPodSession(deps: SessionDeps, pod: PodRow): PodSession {
  const { store, clock, timings, signals, edgeId } = deps;
  const logger = deps.logger.child("pods", { pod: pod.id, name: pod.name });
  const bell = createBell(clock);
  let hold: Hold | null = null;

  /** Until the other edge's lease ends, should it have died; a living one renews it, so look again even then. */
  async function heldPauseMs(leaseUntilMs: number): Promise<number> {
    const leftMs = leaseUntilMs - await store.now();
    return Math.min(Math.max(leftMs, MIN_RETAKE_MS), timings.idleMs) + clock.random() * MIN_RETAKE_MS;
  }

  /** Takes the session and keeps it until it is another edge's. Answers how long to leave it. */
  async function takeAndHold(signal: AbortSignal): Promise<number> {
    const taken = await store.takePod({ podId: pod.id, edgeId, leaseMs: timings.leaseMs });
    const row = await store.getPod(pod.id) ?? pod;
    if (!taken) return await heldPauseMs(row.leaseUntilMs);
    hold = createHold({ ...deps, logger }, { row, epoch: taken.epoch, bell });
    try {
      return await hold.keep(signal);
    } finally {
      hold = null;
      signals.emit("pods", undefined);
    }
  }

  return {
    live: () => hold?.live() ?? null,
    hasJob: (jobId) => hold?.hasJob(jobId) ?? false,
    beatNow: () => bell.ring(),
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        let pauseMs: number;
        try {
          pauseMs = await takeAndHold(signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          pauseMs = backoffMs(clock, failures, { firstMs: 100, maxMs: timings.beatMs });
          logger.error("pod session failed", { error, retryInMs: Math.round(pauseMs) });
        }
        await clock.sleep(pauseMs, signal);
      }
    },
  };
}
