/**
 * Everything that happens to one job, for all of its watchers on this edge: lifecycle from the store, progress and
 * previews from the pod. Runs while it has a watcher; each event is made once.
 */
import type { Output } from "../../contracts/asset.ts";
import { type AttemptEvent, isAttemptFinal } from "../../contracts/attempt.ts";
import type { JobEvent } from "../../contracts/event.ts";
import type { JobId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { Job } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";
import { createBell } from "../time/bell.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { Agents } from "../pods/port.ts";
import type { Signals } from "../signals.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type AttemptTarget, createAttemptFeed } from "./attempt-feed.ts";
import type { LastProgress } from "./last-progress.ts";
import { lifecycleMail } from "./lifecycle-event.ts";
import { createLiveMemory } from "./live-memory.ts";
import type { Mail, Mailbox } from "./mailbox.ts";

export interface JobFeedOptions {
  store: Pick<JobStore, "getJob" | "listEvents" | "listAttempts">;
  agents: Pick<Agents, "watchAttempt">;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  lastProgress: LastProgress;
  view: (row: JobRow) => Job;
  /** How long a run goes on before its own stream is opened for progress and previews. */
  openAfterMs: number;
  /** Longest time until a missed hint is made up for. */
  pollMs: number;
}

export interface JobFeed {
  add(mailbox: Mailbox): void;
  /** @returns how many watchers are left */
  remove(mailbox: Mailbox): number;
  /** Runs until the signal aborts or the job is final; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export function createJobFeed(options: JobFeedOptions, jobId: JobId): JobFeed {
  const { store, signals, clock, logger, lastProgress, view, pollMs } = options;
  const mailboxes = new Set<Mailbox>();
  const bell = createBell(clock);
  const attemptFeed = createAttemptFeed({ ...options, onEvent: takeAttemptEvent });
  /** Of the last lifecycle event published. */
  let ver = 0;
  const memory = createLiveMemory();
  /** Raises the ids of progress, previews and outputs. */
  let liveCount = 0;
  let target: Omit<AttemptTarget, "previews"> | null = null;
  /** The job once its end was signalled, which never changes again. */
  let final: JobRow | null = null;

  function publish(mail: Mail): void {
    for (const mailbox of mailboxes) mailbox.put(mail);
  }

  function liveMail(data: JobEvent): Mail {
    liveCount += 1;
    return { ver, event: { id: `${ver}.${liveCount}`, data } };
  }

  function publishLive(data: JobEvent): void {
    publish(liveMail(data));
  }

  function outputEvent(no: number, output: Output): JobEvent {
    return { type: "output", jobId, attempt: no, output };
  }

  function publishOutputs(row: JobRow): void {
    if (target === null || row.attempt !== target.no || isTerminal(row.state)) return;
    for (const output of memory.untold(row.outputs)) publishLive(outputEvent(target.no, output));
  }

  /** What the others have been told of the attempt that goes on. */
  function catchUp(mailbox: Mailbox): void {
    if (target === null) return;
    const { outputs, preview } = memory.missed(mailbox);
    for (const output of outputs) mailbox.put(liveMail(outputEvent(target.no, output)));
    if (preview !== null) mailbox.put(liveMail(preview));
  }

  function takeProgress(no: number, progress: Progress): void {
    const before = lastProgress.get(jobId, no);
    if (before && before.value > progress.value) return;
    lastProgress.set(jobId, no, progress);
    publishLive({ type: "progress", jobId, attempt: no, progress });
  }

  function takeAttemptEvent({ no }: AttemptTarget, event: AttemptEvent): void {
    switch (event.type) {
      case "report":
        if (event.report.progress) takeProgress(no, event.report.progress);
        // The end is told by the store, with all of them.
        if (!isAttemptFinal(event.report.state) && memory.expect(event.report.outputs.length)) bell.ring();
        break;
      case "progress":
        takeProgress(no, event.progress);
        break;
      case "preview":
        memory.preview({ ...event, jobId, attempt: no });
        publishLive({ ...event, jobId, attempt: no });
        break;
    }
  }

  function aim(): void {
    const previews = [...mailboxes].some((mailbox) => mailbox.previews);
    attemptFeed.aim(target && { ...target, previews });
  }

  function targetOf({ state, attempt }: JobRow): typeof target {
    return state === "running" || state === "canceling" ? { jobId, no: attempt } : null;
  }

  /** True once the job is final. */
  async function look(): Promise<boolean> {
    const events = await store.listEvents(jobId, ver);
    if (events.length === 0 && !memory.isDue()) return false;
    const row = final ?? await store.getJob(jobId);
    if (!row) return true;
    if (events.length > 0) target = targetOf(row);
    memory.begin(target?.no ?? null);
    for (const event of events) {
      ver = event.ver;
      publish(lifecycleMail(event, isTerminal(event.state) ? view(row) : null));
    }
    publishOutputs(row);
    aim();
    if (isTerminal(row.state)) lastProgress.drop(jobId);
    return events.some((event) => isTerminal(event.state));
  }

  return {
    add(mailbox) {
      catchUp(mailbox);
      mailboxes.add(mailbox);
      aim();
    },
    remove(mailbox) {
      mailboxes.delete(mailbox);
      return mailboxes.size;
    },
    async run(signal) {
      const stopListening = signals.on("job", (job) => {
        if (job.id !== jobId) return;
        if (isTerminal(job.state)) final = job;
        memory.hint();
        bell.ring();
      });
      let failures = 0;
      while (!signal.aborted) {
        try {
          if (await look()) break;
          failures = 0;
          await bell.wait(pollMs, signal);
        } catch (error) {
          failures += 1;
          logger.warn("job feed cannot read", { job: jobId, error });
          await clock.sleep(backoffMs(clock, failures, { firstMs: 100, maxMs: 5_000 }), signal);
        }
      }
      stopListening();
      attemptFeed.aim(null);
    },
  };
}
