/** Connections that somebody holds open to a port of 127.0.0.1, as the kernel of this network namespace counts them. */
import { readFileSync } from "node:fs";

const ESTABLISHED = "01";

/** Their far ends, as the kernel writes them. */
export function openConnections(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").map((row) => row.trim().split(/\s+/));
  const held = rows.filter((row) => row[1] === `0100007F:${hex}` && row[3] === ESTABLISHED);
  return new Set(held.map((row) => row[2] ?? ""));
}
