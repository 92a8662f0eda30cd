/** How long a server process takes until it answers, and how much memory it holds. */
import { execFile } from "node:child_process";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 2;

/** The status of one GET on a connection of its own, or null while nobody answers. */
function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(null));
    sent.end();
  });
}

/** Starts the process and returns the ms until the first 200 of `url`, asked every 2 ms. */
export async function timeToReady(start: () => void, url: string): Promise<number> {
  const startedMs = performance.now();
  start();
  while (await statusOf(url) !== 200) {
    if (performance.now() - startedMs > READY_TIMEOUT_MS) throw new Error(`${url} was not ready in 30 s`);
    await sleep(POLL_MS);
  }
  return performance.now() - startedMs;
}

/** Resident memory of a process in MB (10^6 bytes). */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout.trim()) * 1024 / 1e6;
}
