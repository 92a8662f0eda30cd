/** How much more memory a process has held at its most, from /proc (Linux). */
import { readFileSync, writeFileSync } from "node:fs";

export interface PeakMemory {
  /** Bytes above what was resident when the watch began, at the highest point since, which the kernel keeps. */
  grownBytes(): number;
}

export function watchPeakMemory(pid: number): PeakMemory {
  const bytes = (field: string) => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(found?.[1]) * 1_024;
  };
  writeFileSync(`/proc/${pid}/clear_refs`, "5"); // from here on VmHWM is of what comes
  const before = bytes("VmRSS");
  return { grownBytes: () => bytes("VmHWM") - before };
}
