/**
 * Brings outputs home while their attempt goes on, so that a job shows each as it comes and its end has less to fetch.
 * Best effort, in the background and one at a time: what cannot be had now is asked for again at the next report or beat,
 * and only the settlement of the end decides what a missing output means.
 */
import type { Output } from "../../contracts/asset.ts";
import type { AttemptOutput, AttemptReport } from "../../contracts/attempt.ts";
import type { AttemptId, PodId, TenantId } from "../../contracts/ids.ts";
import type { Signals } from "../signals.ts";
import type { NewAsset } from "../store/asset-store.ts";
import type { AttemptRow, JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type CollectOptions, collectOutputs, KEPT_FOR_SURE_MS } from "./collect.ts";

export interface EarlyOutputs {
  /** Takes in a report of an attempt that goes on; returns at once. */
  bring(podId: PodId, report: AttemptReport): void;
  /** The attempt is over: what is under way ends, and its settlement has the bytes that are home. */
  end(podId: PodId, attemptId: AttemptId): void;
}

export interface EarlyOutputsDeps extends CollectOptions {
  store: Pick<JobStore, "getAttempt" | "addOutputs">;
  signals: Signals;
  logger: Logger;
  /** Ends with the edge. */
  signal: AbortSignal;
}

/** Attempts that are remembered; a forgotten one costs looks at bytes that are home. */
const REMEMBERED = 10_000;
/** Least time between two writes of one attempt's outputs, except the first and the last of a report. */
const WRITE_EVERY_MS = 250;

interface Home {
  sha256: string;
  output: Output;
  /** Null once its row is written. */
  asset: NewAsset | null;
  /** When its bytes were last known to be stored, on the monotonic clock. */
  storedMs: number;
}

interface Attempt {
  /** The last report of it with outputs. */
  latest: AttemptReport;
  /** Revision of the last one whose outputs are all home. */
  doneRev: number;
  /** By the index that the agent gave. */
  home: Map<number, Home>;
  isAtWork: boolean;
  stop: AbortController;
}

export function createEarlyOutputs(deps: EarlyOutputsDeps): EarlyOutputs {
  const { store, blobs, signals, clock, logger, signal } = deps;
  const attempts = new Map<string, Attempt>();
  // One try: the next beat brings the next.
  const options: CollectOptions = { ...deps, timings: { ...deps.timings, collectTries: 1 } };

  function forget(key: string): void {
    attempts.get(key)?.stop.abort();
    attempts.delete(key);
  }

  function remember(key: string, report: AttemptReport): Attempt {
    const stop = new AbortController();
    const attempt: Attempt = { latest: report, doneRev: -1, home: new Map(), isAtWork: false, stop };
    attempts.set(key, attempt);
    const [oldest] = attempts.keys();
    if (attempts.size > REMEMBERED && oldest !== undefined) forget(oldest);
    return attempt;
  }

  async function fetchOne(row: AttemptRow, output: AttemptOutput, until: AbortSignal): Promise<Home | null> {
    const { id: attemptId, podId, jobId, tenantId } = row;
    try {
      // Few bytes come along with the end; what came with each of many reports would add up in the store.
      const outputs = [{ ...output, dataBase64: undefined }];
      const one = await collectOutputs(options, { podId, attemptId, jobId, tenantId, outputs }, until);
      const [kept] = one.outputs;
      if (!kept) return null;
      return { sha256: output.sha256, output: kept, asset: one.assets[0] ?? null, storedMs: clock.monotonicMs() };
    } catch (error) {
      if (!until.aborted) logger.debug("output not brought home yet", { job: jobId, attempt: attemptId, error });
      return null;
    }
  }

  /** What has waited long for its row may have been swept away meanwhile: then it is no longer home. */
  async function dropSwept({ home }: Attempt, tenantId: TenantId): Promise<void> {
    for (const [index, one] of home) {
      if (one.asset === null || clock.monotonicMs() - one.storedMs < KEPT_FOR_SURE_MS) continue;
      if (await blobs.touch(tenantId, one.output.sha256) === one.output.sizeBytes) one.storedMs = clock.monotonicMs();
      else home.delete(index);
    }
  }

  /** Everything of the report that is home, in its order. False when the job takes no more of this attempt. */
  async function write(attempt: Attempt, { jobId, no, tenantId }: AttemptRow, report: AttemptReport): Promise<boolean> {
    await dropSwept(attempt, tenantId);
    const kept = report.outputs.flatMap(({ index, sha256 }) => {
      const one = attempt.home.get(index);
      return one?.sha256 === sha256 ? [one] : [];
    });
    const assets = kept.flatMap(({ asset }) => asset ?? []);
    const moved = await store.addOutputs({ jobId, no, outputs: kept.map(({ output }) => output), assets });
    if (moved.status !== "done") return false;
    for (const [place, one] of kept.entries()) {
      one.output = moved.job.outputs[place] ?? one.output;
      one.asset = null;
    }
    signals.emit("job", moved.job);
    return true;
  }

  /** True when there is nothing left to do for this report. */
  async function bringHome(attempt: Attempt, podId: PodId, report: AttemptReport): Promise<boolean> {
    const row = await store.getAttempt(report.attemptId);
    const isAtWork = row?.jobState === "running" || row?.jobState === "canceling";
    if (row === null || row.podId !== podId || row.state !== "running" || !isAtWork) return true;
    const until = AbortSignal.any([attempt.stop.signal, signal]);
    let writtenMs = -Infinity;
    for (const output of report.outputs) {
      if (attempt.home.get(output.index)?.sha256 === output.sha256) continue;
      const home = await fetchOne(row, output, until);
      if (until.aborted) return true;
      if (home === null) continue;
      attempt.home.set(output.index, home);
      if (clock.monotonicMs() - writtenMs < WRITE_EVERY_MS) continue;
      if (!await write(attempt, row, report)) return true;
      writtenMs = clock.monotonicMs();
    }
    const isWritten = [...attempt.home.values()].every(({ asset }) => asset === null);
    if (!isWritten) await write(attempt, row, report);
    return report.outputs.every(({ index, sha256 }) => attempt.home.get(index)?.sha256 === sha256);
  }

  /** Never rejects. */
  async function work(attempt: Attempt, podId: PodId): Promise<void> {
    attempt.isAtWork = true;
    try {
      for (;;) {
        const report = attempt.latest;
        if (await bringHome(attempt, podId, report)) attempt.doneRev = report.rev;
        if (attempt.latest.rev <= report.rev || attempt.stop.signal.aborted || signal.aborted) break;
      }
    } catch (error) {
      if (!signal.aborted) logger.warn("outputs not brought home early", { attempt: attempt.latest.attemptId, error });
    } finally {
      attempt.isAtWork = false;
    }
  }

  const keyOf = (podId: PodId, attemptId: AttemptId) => `${podId} ${attemptId}`;
  return {
    bring(podId, report) {
      if (report.outputs.length === 0 || signal.aborted) return;
      const key = keyOf(podId, report.attemptId);
      const attempt = attempts.get(key) ?? remember(key, report);
      if (report.rev <= attempt.doneRev || report.rev < attempt.latest.rev) return;
      attempt.latest = report;
      if (!attempt.isAtWork) void work(attempt, podId);
    },
    end: (podId, attemptId) => forget(keyOf(podId, attemptId)),
  };
}
