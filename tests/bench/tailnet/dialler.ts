/**
 * `dialler.ts TASK`, on Node or Deno: measures the way to the plain server through tailscaled and beside it, in turns, and
 * prints one line of JSON.
 */
import { request } from "node:http";
import process from "node:process";
import type { Duplex } from "node:stream";
import { createLocalApi } from "../../../contracts/tailnet/local-api.ts";
import { createHttpClient, createUndiciClient, type DialClient, openLoopback } from "./dial-clients.ts";
import { type DialResult, DialTask, type Samples } from "./dial-task.ts";

const DIAL_MS = 10_000;
const WARM_UP_SHARE = 0.3;
const WAYS = ["tailnet", "loopback"] as const;

const task = DialTask.parse(JSON.parse(process.argv[2] ?? ""));
const api = createLocalApi<Duplex>({ request, socketPath: task.socketPath });
const createClient = { node_http: createHttpClient, undici: createUndiciClient }[task.library];
const clients: Record<(typeof WAYS)[number], DialClient> = {
  tailnet: createClient(() => api.dial({ host: task.ip, port: task.port }, AbortSignal.timeout(DIAL_MS))),
  loopback: createClient(() => openLoopback(task.port)),
};

/** Ms of each, in turns; whoever is second in one round is first in the next. */
async function inTurns(rounds: number, path: string, { fresh }: { fresh: boolean }): Promise<Samples> {
  const took: Samples = { tailnet: [], loopback: [] };
  const warmUps = Math.ceil(rounds * WARM_UP_SHARE);
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
      const startedMs = performance.now();
      const bytes = await clients[way].ask(path, { fresh });
      if (bytes !== Number(path.slice(1))) throw new Error(`Cannot measure: ${way} gave ${bytes} bytes of ${path}`);
      if (round >= 0) took[way].push(performance.now() - startedMs);
    }
  }
  return took;
}

const kept = await inTurns(task.calls, "/20", { fresh: false });
const fresh = await inTurns(task.freshCalls, "/20", { fresh: true });
const tookMs = await inTurns(task.downloads, `/${task.sizeBytes}`, { fresh: false });
const rateOf = (ms: number) => task.sizeBytes / 1e3 / ms;
const rates = { tailnet: tookMs.tailnet.map(rateOf), loopback: tookMs.loopback.map(rateOf) };
process.stdout.write(`${JSON.stringify({ kept, fresh, rates } satisfies DialResult)}\n`);
for (const way of WAYS) clients[way].close();
process.exit(0);
