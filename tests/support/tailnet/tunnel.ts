/** Whether a tailscaled can have a kernel device here, as it has in a container with /dev/net/tun. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** By its name the suite knows it for its own. One at a time: it goes with its daemon. */
export const TUNNEL = "cf-ts0";

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe", timeout: 10_000 });
}

/** Null where one can be made, else what the kernel says to it. */
export function whyNoTunnel(): string | null {
  try {
    ip("tuntap", "add", "dev", TUNNEL, "mode", "tun");
    ip("tuntap", "del", "dev", TUNNEL, "mode", "tun");
    return null;
  } catch (error) {
    return `no kernel device: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

function hexOf(ip: string): string {
  const bytes = ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return bytes.toReversed().join("").toUpperCase();
}

/** Inodes of this namespace's TCP connections to an IPv4 address and port, by whatever process. */
function connectionsTo(ip: string, port: number): Set<string> {
  const there = `${hexOf(ip)}:${port.toString(16).padStart(4, "0").toUpperCase()}`;
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").map((line) => line.trim().split(/\s+/));
  return new Set(
    lines.flatMap(([, , remote, , , , , , , inode = "0"]) => remote === there && inode !== "0" ? [inode] : []),
  );
}

/** How many connections to it each of the processes holds. A kernel of little-endian order. */
export function connectionCounts(ip: string, port: number, pids: readonly number[]): number[] {
  const inodes = connectionsTo(ip, port);
  return pids.map((pid) =>
    readdirSync(`/proc/${pid}/fd`).filter((fd) => {
      try {
        const [, inode = ""] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
        return inodes.has(inode);
      } catch {
        return false; // closed meanwhile
      }
    }).length
  );
}
