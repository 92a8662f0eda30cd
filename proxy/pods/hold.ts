/**
 * The time during which this edge holds a pod's session, under one epoch: describe, beat, reconcile, again and again.
 * It ends when the store or the agent says that the session is another's.
 */
import { PodDescription, type PodEvent } from "../../contracts/agent/messages.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId, JobId } from "../../contracts/ids.ts";
import type { Condition } from "../../contracts/pod.ts";
import { negotiate, PROTOCOL } from "../../contracts/protocol.ts";
import type { PodRow } from "../store/pod-store.ts";
import { toAgentError } from "./agent-error.ts";
import { type BeatAnswer, sendBeat } from "./beat.ts";
import type { Bell } from "../time/bell.ts";
import { backoffMs, jittered } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import { ensureObjectInfo } from "./object-info.ts";
import { createPodBoard } from "./pod-board.ts";
import type { LivePod } from "./port.ts";
import { lostAttempts, unwantedAttempts } from "./reconcile.ts";
import type { SessionDeps } from "./session-port.ts";
import { createUnreadable } from "./unreadable.ts";
import { keepWatching } from "./watch.ts";

/** Between two beats at the least, however often the bell rings. */
const MIN_GAP_MS = 20;
const FIRST_RETRY_MS = 100;

export interface Hold {
  live(): LivePod | null;
  hasJob(jobId: JobId): boolean;
  /** Resolves when the session is another's, with how long to leave it alone. @throws what the store throws. */
  keep(signal: AbortSignal): Promise<number>;
}

/** Of an attempt's event they are the very same. */
function sameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** What came of one look at the pod. */
type Look = "ours" | "not_ours";

export function createHold(deps: SessionDeps, held: { row: PodRow; epoch: number; bell: Bell }): Hold {
  const { store, agents, offers, settlement, signals, clock, timings, logger, edgeId } = deps;
  const { row, epoch, bell } = held;
  const podId = row.id;
  const board = createPodBoard({ ...deps, row, epoch, nowMs: clock.nowMs });
  const unreadable = createUnreadable({ clock, logger, patienceMs: timings.lostMs });
  let lastLookMs = clock.monotonicMs();
  let described = false;
  let jobs: ReadonlySet<JobId> = new Set();
  let unwanted: readonly AttemptId[] = [];
  let fetchingInfo = false;
  let shown = "";

  /** Tells the planner when its view of this pod has changed. */
  function show(): void {
    const now = JSON.stringify(board.live());
    if (now === shown) return;
    shown = now;
    signals.emit("pods", undefined);
  }

  async function fetchObjectInfo(signal: AbortSignal): Promise<void> {
    const sha256 = board.objectInfoSha256;
    if (sha256 === null || fetchingInfo || board.live()?.objectInfoSha256 === sha256) return;
    fetchingInfo = true;
    try {
      await ensureObjectInfo({ store, agents, clock, timeoutMs: timings.objectInfoMs }, { podId, sha256 }, signal);
      board.objectInfoStored(sha256);
      show();
    } catch (error) {
      if (!signal.aborted) logger.warn("object info not fetched", { error: toAgentError(error) });
    } finally {
      fetchingInfo = false;
    }
  }

  function onEvent(event: PodEvent, signal: AbortSignal): void {
    const before = { phase: board.phase, conditions: board.conditions };
    if (event.type === "attempt") {
      board.attemptChanged(event.report);
      show();
      void settlement.settle(podId, event.report);
    } else {
      board.podChanged(event);
      show();
      void fetchObjectInfo(signal);
    }
    // Callers read phase and conditions from the store, which only a beat writes.
    const changed = board.phase !== before.phase || !sameConditions(board.conditions, before.conditions);
    if (changed || board.misses > 0) bell.ring();
  }

  async function describe(signal: AbortSignal): Promise<FleetError | null> {
    try {
      const answer = await withDeadline(
        { clock, timeoutMs: timings.callTimeoutMs, signal, action: "ask the agent what it is" },
        (inner) => agents.client(podId).pod.describe.query(undefined, { signal: inner }),
      );
      const { protocol } = PodDescription.pick({ protocol: true }).parse(answer);
      const agreed = negotiate(PROTOCOL, protocol);
      if (agreed !== null) {
        board.speaks(agreed);
        return null;
      }
      const theirs = `${protocol.min} to ${protocol.max}`;
      return new FleetError(
        "agent_incompatible",
        `Cannot work with the agent: it speaks protocol ${theirs}, this edge ${PROTOCOL.min} to ${PROTOCOL.max}`,
        { hint: "Run agent and edge of versions that meet." },
      );
    } catch (error) {
      signal.throwIfAborted();
      return toAgentError(error);
    }
  }

  async function onSilence(error: FleetError): Promise<Look> {
    const nowMs = clock.monotonicMs();
    board.missed(error, nowMs - lastLookMs);
    lastLookMs = nowMs;
    described = false;
    const { misses, phase, conditions } = board;
    const silenceMs = Math.round(board.silenceMs);
    logger.warn("beat failed", { code: error.code, reason: error.message, misses, silenceMs });
    show();
    if (error.code === "stale_epoch") return "not_ours";
    const kept = await store.recordSilence({ podId, epoch, leaseMs: timings.leaseMs, phase, conditions });
    if (!kept) return "not_ours";
    if (phase === "lost") await loseAll();
    return "ours";
  }

  async function loseAll(): Promise<void> {
    const live = await store.listLiveAttempts(podId);
    const underWay = offers.underWay(podId);
    const lost = live.filter((attempt) => !underWay.has(attempt.id));
    await Promise.all(lost.map(({ id, jobId, no }) => settlement.lost({ id, jobId, no, podId }, "pod_lost")));
  }

  async function onAnswer(answer: Extract<BeatAnswer, { answered: true }>, overtaken: boolean): Promise<Look> {
    const observed = board.answered(answer.result, overtaken);
    lastLookMs = clock.monotonicMs();
    jobs = new Set(answer.held.live.map((attempt) => attempt.jobId));
    show();
    for (const report of answer.result.attempts) void settlement.settle(podId, report);
    const spared = unreadable.note(answer.unreadable);
    for (const { row: { id, jobId, no }, reason } of lostAttempts(answer.held, answer.result, spared)) {
      void settlement.lost({ id, jobId, no, podId }, reason);
    }
    const kept = await store.recordBeat({ podId, epoch, leaseMs: timings.leaseMs, observed });
    const before = new Set(unwanted);
    unwanted = await unwantedAttempts(store, answer.held, answer.result.attempts);
    if (unwanted.some((id) => !before.has(id))) bell.ring();
    return kept ? "ours" : "not_ours";
  }

  async function look(signal: AbortSignal): Promise<Look> {
    if (!described) {
      const failure = await describe(signal);
      if (failure) return await onSilence(failure);
      described = true;
    }
    const events = board.events;
    const order = { podId, edgeId, epoch, leaseMs: timings.leaseMs, unwanted };
    const answer = await sendBeat({ store, agents, offers, clock, timeoutMs: timings.callTimeoutMs }, order, signal);
    return answer.answered ? await onAnswer(answer, board.events !== events) : await onSilence(answer.error);
  }

  /** Failed looks are repeated quickly at first: a pod that has just started, or one cut connection. */
  function pauseMs(): number {
    if (board.misses === 0) return jittered(clock, timings.beatMs);
    return backoffMs(clock, board.misses, { firstMs: FIRST_RETRY_MS, maxMs: timings.beatMs });
  }

  return {
    live: board.live,
    hasJob: (jobId) => jobs.has(jobId) || offers.hasJob(podId, jobId),
    async keep(signal) {
      const ended = new AbortController();
      const end = () => ended.abort(signal.reason);
      signal.addEventListener("abort", end, { once: true });
      let watching: Promise<void> | null = null;
      const listener = { event: (event: PodEvent) => onEvent(event, ended.signal), cut: () => bell.ring() };
      try {
        while (!signal.aborted) {
          if (await look(signal) === "not_ours") return jittered(clock, timings.idleMs);
          if (board.misses === 0) {
            void fetchObjectInfo(ended.signal);
            watching ??= keepWatching({ ...timings, agents, clock, logger }, { podId, listener }, ended.signal);
          }
          await clock.sleep(MIN_GAP_MS, signal);
          await bell.wait(pauseMs(), signal);
        }
        return 0;
      } finally {
        signal.removeEventListener("abort", end);
        ended.abort();
        await watching;
      }
    },
  };
}
