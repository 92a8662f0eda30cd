/** What a process has used, from /proc (Linux). */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Linux counts processor time in hundredths of a second on every machine that we run on. */
const TICKS_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 20;

/** Seconds of processor time over all of its threads, user and system. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Fields 14 and 15 of proc(5), counted from 3 after the name.
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024 / 1e6;
}

/** What it held before the work, and by how much the most during the work was above that; MB. */
export async function growthDuring<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ result: T; beforeMb: number; growthMb: number }> {
  const beforeMb = residentMb(pid);
  let mostMb = beforeMb;
  const ended = new AbortController();
  const sampling = (async () => {
    while (!ended.signal.aborted) {
      mostMb = Math.max(mostMb, residentMb(pid));
      await sleep(SAMPLE_EVERY_MS);
    }
  })();
  try {
    const result = await work();
    return { result, beforeMb, growthMb: Math.max(mostMb, residentMb(pid)) - beforeMb };
  } finally {
    ended.abort();
    await sampling;
  }
}
