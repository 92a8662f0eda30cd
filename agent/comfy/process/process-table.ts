/**
 * Who a process id is. An id alone proves nothing, because ids are used again: the start time goes with it everywhere.
 * Linux tells by /proc, other systems by ps.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

export interface ProcessInfo {
  pid: number;
  /** Opaque; equal for the same process only. */
  startTime: string;
  /** Dead, but not reaped by its parent. */
  zombie: boolean;
}

export interface ProcessTable {
  /** Null when there is no such process. */
  inspect(pid: number): Promise<ProcessInfo | null>;
  /** Leaders of a process group with this text in an argument. */
  findByArgument(text: string): Promise<ProcessInfo[]>;
}

export function createProcessTable(procDirectory = "/proc"): ProcessTable {
  return existsSync(`${procDirectory}/self/stat`) ? procTable(procDirectory) : psTable();
}

function procTable(root: string): ProcessTable {
  const read = (pid: number, name: string): string | null => {
    try {
      return readFileSync(`${root}/${pid}/${name}`, "utf8");
    } catch {
      // Gone between two looks, or another user's.
      return null;
    }
  };
  const inspect = (pid: number): (ProcessInfo & { group: number }) | null => {
    const stat = read(pid, "stat");
    return stat === null ? null : parseProcStat(stat);
  };
  return {
    inspect: (pid) => Promise.resolve(inspect(pid)),
    findByArgument(text) {
      const pids = readdirSync(root).filter((name) => /^\d+$/.test(name)).map(Number);
      const found = pids.filter((pid) => read(pid, "cmdline")?.includes(text));
      return Promise.resolve(found.flatMap((pid) => {
        const info = inspect(pid);
        return info !== null && info.group === pid && !info.zombie ? [info] : [];
      }));
    },
  };
}

/**
 * Reads `/proc/PID/stat`: field 3 is the state, 5 the group, 22 the start in clock ticks since boot. The second field is
 * the command in brackets and may hold anything, brackets too. Returns null for what is no such line.
 */
export function parseProcStat(stat: string): (ProcessInfo & { group: number }) | null {
  const pid = Number.parseInt(stat, 10);
  const fields = stat.slice(stat.lastIndexOf(")") + 1).trim().split(" ");
  const [state, , group] = fields;
  const startTime = fields[19];
  if (!Number.isInteger(pid) || state === undefined || group === undefined || startTime === undefined) return null;
  return { pid, group: Number(group), startTime, zombie: state === "Z" || state === "X" };
}

const PS_TIMEOUT_MS = 5_000;

function psTable(): ProcessTable {
  const run = async (args: string[]): Promise<string> => {
    try {
      const options = {
        timeout: PS_TIMEOUT_MS,
        env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
        maxBuffer: 16 * 1024 * 1024,
      };
      return (await promisify(execFile)("ps", args, options)).stdout;
    } catch {
      // ps exits with 1 when nothing matches.
      return "";
    }
  };
  return {
    inspect: async (pid) => parsePsLine(await run(["-o", "pid=,pgid=,stat=,lstart=", "-p", String(pid)])),
    async findByArgument(text) {
      const lines = (await run(["-axww", "-o", "pid=,pgid=,stat=,lstart=,command="])).split("\n");
      return lines.filter((line) => line.includes(text)).flatMap((line) => {
        const info = parsePsLine(line);
        return info !== null && info.group === info.pid && !info.zombie ? [info] : [];
      });
    },
  };
}

/** Reads `pid pgid stat lstart [command]`; `lstart` is always five words. */
export function parsePsLine(line: string): (ProcessInfo & { group: number }) | null {
  const words = line.trim().split(/\s+/);
  const [pid, group, state] = words;
  if (pid === undefined || group === undefined || state === undefined || words.length < 8) return null;
  return {
    pid: Number(pid),
    group: Number(group),
    startTime: words.slice(3, 8).join(" "),
    zombie: state.startsWith("Z"),
  };
}
