/** Which process listens on a port of 127.0.0.1, from /proc (Linux only, as the suites that kill processes are). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTEN = "0A";

function socketInode(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").map((row) => row.trim().split(/\s+/));
  return rows.find((row) => row[1] === `0100007F:${hex}` && row[3] === LISTEN)?.[9] ?? null;
}

function holds(pid: string, link: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === link;
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false; // ended meanwhile
  }
}

export function listenerPid(port: number): number | null {
  const inode = socketInode(port);
  if (inode === null) return null;
  const pid = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).find((name) =>
    holds(name, `socket:[${inode}]`)
  );
  return pid === undefined ? null : Number(pid);
}
