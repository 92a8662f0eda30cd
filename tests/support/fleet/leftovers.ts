/** Ends what a killed process of ours left running: whoever was started with this folder on its command line (Linux). */
import { readdirSync, readFileSync } from "node:fs";

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // ended meanwhile
  }
}

/** Process ids whose command line names the folder, which must be one that only the test knows. */
export function processesNaming(folder: string): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name).includes(folder)).map(Number);
}

export function killLeftovers(folder: string): void {
  for (const pid of processesNaming(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
}
