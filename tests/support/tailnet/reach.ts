/** Whether one node gets through to a port of another. */
import { FleetError } from "../../../contracts/errors.ts";
import type { Daemon } from "./daemon.ts";

/** As long as a connection is waited for where nothing is dropped: many times what it takes. */
const OPEN_WITHIN_MS = 2_000;
const PING_MS = 300;

/** Resolves when packets find their way, so that no dial has to begin with a lost one. Rejects after 15 s. */
export async function warmUp(from: Daemon, to: { ip: string }): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const answer = await from.api.ping(to.ip, AbortSignal.timeout(PING_MS)).catch(() => null);
    if (answer && !answer.Err) return;
  }
  throw new Error(`${from.name} does not reach ${to.ip} at all`);
}

/** `open`, or how it was refused: `dropped` in silence, or `no peer` without a packet sent. */
export async function reach(from: Daemon, ip: string, port: number): Promise<"open" | "dropped" | "no peer"> {
  try {
    const socket = await from.api.dial({ host: ip, port }, AbortSignal.timeout(OPEN_WITHIN_MS));
    socket.destroy();
    return "open";
  } catch (error) {
    if (!FleetError.is(error)) throw error;
    if (error.details?.["why"] === "no_peer") return "no peer";
    if (error.details?.["why"] === "silent") return "dropped";
    throw error;
  }
}
