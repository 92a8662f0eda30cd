/** One life of the long-lived `nvidia-smi --query-gpu=… -lms` child: its rows go on as samples, its end is the answer. */
import type { Clock } from "../../comfy/clock.ts";
import { type FailureCode, failureOfExit, failureOfLine, type ProbeFailure, refusedField } from "./failure.ts";
import type { Column } from "./fields.ts";
import { createRowGatherer } from "./gather-rows.ts";
import { parseRow, type Row } from "./parse-row.ts";
import type { SmiProcess, StartSmi } from "./process.ts";

export interface ProbeListener {
  /** One row for each GPU that said something. */
  sample(rows: readonly Row[]): void;
  failure(failure: ProbeFailure): void;
}

export interface LoopOptions {
  startSmi: StartSmi;
  clock: Clock;
  columns: readonly Column[];
  intervalMs: number;
  listener: ProbeListener;
}

export interface LoopEnd {
  failure: ProbeFailure;
  /** It was killed because it went on saying nothing; wait for its end before another is started. */
  hung: SmiProcess | null;
  /** The field that this nvidia-smi does not know after all. */
  refused: string | null;
}

/** Rounds without a row after which the child counts as hung. */
const MISSED_ROUNDS = 3;
/** A cold driver takes seconds for each GPU before its first row. */
const FIRST_ROW_MS = 45_000;
const MAX_QUIET_MS = 300;
const MAX_SAID_LINES = 50;

/** Said of single GPUs while the rest goes on, so that they count at once; all others end the child. */
const AT_ONCE: readonly FailureCode[] = ["gpu_lost", "reset_required", "inforom_corrupted", "power_cable"];

/** Resolves when the child has ended, hangs, or was ended because of the signal. Never rejects. */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<LoopEnd> {
  const { startSmi, clock, columns, intervalMs, listener } = options;
  const said: string[] = [];
  let lastRowMs: number | null = null;
  const startedMs = clock.now();
  const gatherer = createRowGatherer({
    clock,
    quietMs: Math.min(MAX_QUIET_MS, intervalMs / 2),
    onRound: (rows) => listener.sample(rows),
  });
  const query = `--query-gpu=${columns.map(({ name }) => name).join(",")}`;
  const args = [query, "--format=csv,noheader,nounits", "-lms", String(intervalMs)];
  const process = startSmi(args, (line) => {
    const row = parseRow(line, columns);
    if (row !== null) {
      lastRowMs = clock.now();
      gatherer.add(row);
      return;
    }
    if (line.trim() === "") return;
    said.push(line);
    if (said.length > MAX_SAID_LINES) said.shift();
    const failure = failureOfLine(line);
    if (failure !== null && AT_ONCE.includes(failure.code)) listener.failure(failure);
  });
  const over = new AbortController();
  const silent = hangs(over.signal);
  const stopped = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true, signal: over.signal });
  });
  const end = await Promise.race([process.exited, silent, stopped]);
  over.abort();
  gatherer.stop();
  if (end === null) {
    process.kill();
    const failure = { code: "failed", detail: "The probe is being stopped." } as const;
    return { failure, hung: process, refused: null };
  }
  if (end === "hung") {
    process.kill();
    return { failure: hungFailure(said), hung: process, refused: null };
  }
  return { failure: failureOfExit(end, said), hung: null, refused: refusedField(said) };

  async function hangs(ended: AbortSignal): Promise<"hung"> {
    let passedBefore = false;
    while (!ended.aborted) {
      const silenceMs = clock.now() - (lastRowMs ?? startedMs);
      const patienceMs = lastRowMs === null ? Math.max(FIRST_ROW_MS, patience()) : patience();
      const passed = silenceMs >= patienceMs;
      // An agent that was frozen itself finds old rows in the pipe: it reads them before it judges.
      if (passed && passedBefore) return "hung";
      passedBefore = passed;
      await clock.sleep(passed ? Math.min(intervalMs, 1_000) : Math.min(intervalMs, patienceMs - silenceMs), ended);
    }
    return await new Promise<never>(() => {});
  }

  function patience(): number {
    return MISSED_ROUNDS * intervalMs;
  }

  function hungFailure(lines: readonly string[]): ProbeFailure {
    const told = lines.map(failureOfLine).find((failure) => failure !== null);
    if (told) return told;
    const silentS = Math.round((clock.now() - (lastRowMs ?? startedMs)) / 1_000);
    const last = lines.at(-1);
    const words = last === undefined ? "" : ` Its last words: ${last.trim().slice(0, 200)}`;
    return { code: "hung", detail: `nvidia-smi has brought no row for ${silentS} s.${words}` };
  }
}
