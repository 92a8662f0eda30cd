/** Where a secret would be seen by whoever lists the processes of the machine. */
import { readdirSync, readFileSync } from "node:fs";

/** Processes that have the text among their arguments or variables. */
export function processesWith(secret: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]).filter((path) => {
    try {
      return readFileSync(path).includes(secret);
    } catch {
      return false; // gone meanwhile, or not ours
    }
  });
}
