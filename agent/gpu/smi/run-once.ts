/** A run of nvidia-smi that ends by itself, or is ended: what it said, and how. */
import type { Clock } from "../../comfy/clock.ts";
import type { SmiExit } from "./failure.ts";
import type { SmiProcess, StartSmi } from "./process.ts";

/** All it may say before the rest is dropped; the longest help has 70 KB. */
const MAX_LINES = 20_000;

export interface RunOnce {
  startSmi: StartSmi;
  clock: Clock;
  args: readonly string[];
  withinMs: number;
}

/** `exit` is null when it was still there at its deadline, or when the signal came first; it is killed then. */
export async function runOnce(
  { startSmi, clock, args, withinMs }: RunOnce,
  signal: AbortSignal,
): Promise<{ exit: SmiExit | null; lines: string[]; process: SmiProcess }> {
  const lines: string[] = [];
  const process = startSmi(args, (line) => {
    if (lines.length < MAX_LINES) lines.push(line);
  });
  const exit = await exitWithin({ process, clock, ms: withinMs }, signal);
  if (exit === null) process.kill();
  return { exit, lines, process };
}

/** Null when it has not ended after `ms`, or when the signal comes first. */
export async function exitWithin(
  { process, clock, ms }: { process: SmiProcess; clock: Clock; ms: number },
  signal: AbortSignal,
): Promise<SmiExit | null> {
  const patience = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([signal, patience.signal])).then(() => null);
  const exit = await Promise.race([process.exited, late]);
  patience.abort();
  return exit;
}
