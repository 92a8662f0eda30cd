/** Connections of this machine, as the kernel lists them (Linux). */
import { readFileSync } from "node:fs";

const ESTABLISHED = "01";

/** Near ends of the established connections that have this port of 127.0.0.1 at their far end. */
export function connectionsTo(port: number): Set<string> {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return new Set(rows.flatMap((row) => {
    const [, local = "", remote, state] = row.trim().split(/\s+/);
    return remote === wanted && state === ESTABLISHED ? [local] : [];
  }));
}
