/** A port for a process that is stopped and started again on it. */
import { createServer } from "node:net";
import { tryPort } from "../../../cli/up/free-port.ts";

// Below the range from which Linux takes the ports of outgoing connections: one of those could hold the port while the
// process is down.
const FIRST = 12_000;
const COUNT = 18_000;
const TRIES = 100;

/**
 * False where another process of tests has the port. Until this one ends it keeps the abstract socket of that number, which
 * one alone can have, so that files of tests that run at once never share a port (Linux; elsewhere nothing is kept).
 */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once("error", (error) => resolve(!("code" in error && error.code === "EADDRINUSE")));
    server.listen(`\0comfyfleet-test-port-${port}`, () => resolve(true));
  });
}

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await claim(port) && await tryPort(port) !== null) return port;
  }
  throw new Error("no free port on 127.0.0.1");
}
