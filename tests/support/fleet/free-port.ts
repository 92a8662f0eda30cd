/** A port for a process that is stopped and started again on it. */
import { tryPort } from "../../../cli/up/free-port.ts";

// Below the range from which Linux takes the ports of outgoing connections: one of those could hold the port while the
// process is down.
const FIRST = 12_000;
const COUNT = 18_000;
const TRIES = 100;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = await tryPort(FIRST + Math.floor(Math.random() * COUNT));
    if (port !== null) return port;
  }
  throw new Error("no free port on 127.0.0.1");
}
