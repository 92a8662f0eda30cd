/** Main memory of a process group, as the kernel counts it: what is shared counts for every process that has it. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { parseProcStat } from "./process-table.ts";

/** Bytes of the group that this process leads; null when it cannot be told, because it is gone for instance. */
export type ReadGroupRss = (leaderPid: number) => Promise<number | null>;

export function createGroupRssReader(procDirectory = "/proc"): ReadGroupRss {
  if (!existsSync(`${procDirectory}/self/stat`)) return readByPs;
  return (leaderPid) => Promise.resolve(readByProc(procDirectory, leaderPid));
}

function readByProc(root: string, leaderPid: number): number | null {
  let totalBytes: number | null = null;
  for (const name of readdirSync(root)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (parseProcStat(readFileSync(`${root}/${name}/stat`, "utf8"))?.group !== leaderPid) continue;
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${root}/${name}/status`, "utf8"))?.[1];
      if (kib !== undefined) totalBytes = (totalBytes ?? 0) + Number(kib) * 1024;
    } catch {
      // Gone between two looks, or another user's.
    }
  }
  return totalBytes;
}

const PS_TIMEOUT_MS = 5_000;

async function readByPs(leaderPid: number): Promise<number | null> {
  try {
    const options = { timeout: PS_TIMEOUT_MS, env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } };
    const { stdout } = await promisify(execFile)("ps", ["-axww", "-o", "pgid=,rss="], options);
    const kib = stdout.split("\n").flatMap((line) => {
      const [group, rss] = line.trim().split(/\s+/);
      return Number(group) === leaderPid && rss !== undefined ? [Number(rss)] : [];
    });
    return kib.length === 0 ? null : kib.reduce((sum, each) => sum + each, 0) * 1024;
  } catch {
    return null;
  }
}
