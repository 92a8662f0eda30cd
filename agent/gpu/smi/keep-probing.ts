/**
 * Keeps the long-lived nvidia-smi going: asks it for its fields, reads its rows, and starts it anew with backoff when it
 * has ended or hangs. Never two at a time: one that is stuck in the driver is waited for, however long that takes.
 */
import { createBackoff } from "../../comfy/backoff.ts";
import type { Clock } from "../../comfy/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { failureOfExit } from "./failure.ts";
import { chooseColumns, type Column, parseFieldHelp } from "./fields.ts";
import type { SmiProcess, StartSmi } from "./process.ts";
import { type ProbeListener, runLoop } from "./run-loop.ts";
import { exitWithin, runOnce } from "./run-once.ts";

export interface ProbingOptions {
  startSmi: StartSmi;
  clock: Clock;
  random: () => number;
  logger: Logger;
  /** Between two rounds. */
  intervalMs: number;
  listener: ProbeListener;
}

/** NVML's start on a cold driver is in it. */
const HELP_WITHIN_MS = 30_000;
/** How long a killed process may take to be gone. */
const KILL_WAIT_MS = 5_000;
const BACKOFF = { baseMs: 1_000, maxMs: 60_000, stableAfterMs: 60_000 };

/** Resolves when the signal aborts and the child is gone, or cannot be killed in five seconds; never rejects. */
export async function keepProbing(options: ProbingOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, logger } = options;
  const backoff = createBackoff({ ...BACKOFF, random });
  while (!signal.aborted) {
    const startedMs = clock.now();
    try {
      await probe(options, signal);
    } catch (error) {
      logger.error("GPU probe failed", { error: String(error) });
    }
    if (signal.aborted) return;
    const waitMs = backoff.next(clock.now() - startedMs);
    logger.debug("nvidia-smi is started anew", { waitMs });
    await clock.sleep(waitMs, signal);
  }
}

/** One life of the probe; what ended it is told to the listener. */
async function probe(options: ProbingOptions, signal: AbortSignal): Promise<void> {
  const available = await askForFields(options, signal);
  if (available === null) return;
  for (;;) {
    const columns: Column[] = chooseColumns(available);
    if (columns.length === 0) {
      const detail = "nvidia-smi lists none of the fields that are known here.";
      options.listener.failure({ code: "failed", detail });
      return;
    }
    const end = await runLoop({ ...options, columns }, signal);
    const retries = end.refused !== null && available.delete(end.refused);
    if (!retries && !signal.aborted) options.listener.failure(end.failure);
    if (end.hung !== null) await waitForEnd(end.hung, { ...options, tell: !signal.aborted }, signal);
    if (!retries || signal.aborted) return;
  }
}

/** Null after a failure, which was told. */
async function askForFields(options: ProbingOptions, signal: AbortSignal): Promise<Set<string> | null> {
  const asked = { ...options, args: ["--help-query-gpu"], withinMs: HELP_WITHIN_MS };
  const { exit, lines, process } = await runOnce(asked, signal);
  if (exit === null) {
    const detail = `nvidia-smi has not listed its fields for ${HELP_WITHIN_MS / 1_000} s.`;
    if (!signal.aborted) options.listener.failure({ code: "hung", detail });
    await waitForEnd(process, { ...options, tell: !signal.aborted }, signal);
    return null;
  }
  if (exit.code === 0) return parseFieldHelp(lines.join("\n"));
  options.listener.failure(failureOfExit(exit, lines));
  return null;
}

/** For a killed process. One that does not go is told of, and then waited for until the signal. */
async function waitForEnd(
  process: SmiProcess,
  { clock, listener, logger, tell }: ProbingOptions & { tell: boolean },
  signal: AbortSignal,
): Promise<void> {
  const never = new AbortController().signal;
  if (await exitWithin({ process, clock, ms: KILL_WAIT_MS }, never) !== null || signal.aborted) return;
  if (tell) {
    logger.error("nvidia-smi cannot be killed");
    listener.failure({ code: "hung", detail: "nvidia-smi hangs in the driver, and not even SIGKILL ends it." });
  }
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([process.exited, stopped]);
}
