/**
 * Calls and large answers of a pod through an edge whose pod is on the tailnet, beside another edge of the same runtime
 * whose pod is on loopback: in turns, one at a time.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFleet } from "../../../client/mod.ts";
import { podTrpcPath } from "../../../contracts/edge/routes.ts";
import { AGENT_PORT } from "../../../contracts/tailnet/words.ts";
import { startTestEdge } from "../../support/fleet/edge.ts";
import { type EdgeRuntime, until } from "../../support/fleet/fleet.ts";
import { freePort } from "../../support/fleet/free-port.ts";
import { manageProcess } from "../../support/fleet/process.ts";
import { startEdge } from "../../support/tailnet/edge.ts";
import type { TestTailnet } from "../../support/tailnet/tailnet.ts";
import { download, keptConnection } from "../edge/http-client.ts";
import type { Measurement } from "../measurement.ts";
import { median, percentile } from "../statistics.ts";
import { REAL_TIMINGS } from "../with-fleets.ts";

export interface EdgeRounds {
  /** Measured calls of each edge, and unmeasured ones before. */
  calls: number;
  warmUps: number;
  downloads: number;
  sizeBytes: number;
}

export interface EdgeStage {
  tailnet: TestTailnet;
  runtime: EdgeRuntime;
  /** Of the prepared file. */
  folder: string;
}

interface Subject {
  baseUrl: string;
  apiKey: string;
}

const SECRET = "a secret of the benchmark, and of nothing else";
const SCRIPT = fileURLToPath(new URL("../edge/scripted-agent.ts", import.meta.url));
const BIG = "comfy.logs";
const SMALL = "pod.describe";

type Ask = (procedure: string) => Promise<{ bytes: number; tookMs: number }>;

/** Waits for its one pod, and gives what calls it over one kept connection. */
async function askerOf({ baseUrl, apiKey }: Subject): Promise<Ask> {
  const client = createFleet({ baseUrl, apiKey });
  const pod = await until("the pod to be ready", async () => {
    const { items } = await client.trpc.pods.list.query({});
    return items.find(({ phase }) => phase === "ready") ?? null;
  });
  const agent = keptConnection();
  return (procedure) => download({ url: `${baseUrl}${podTrpcPath(pod.id)}/${procedure}`, secret: apiKey, agent });
}

/** What `measure` gives for each, in turns; whoever is second in one round is first in the next. */
async function inTurns(
  asks: { tailnet: Ask; loopback: Ask },
  rounds: { measured: number; warmUps: number },
  measure: (ask: Ask) => Promise<number>,
): Promise<Record<"tailnet" | "loopback", number[]>> {
  const found: Record<"tailnet" | "loopback", number[]> = { tailnet: [], loopback: [] };
  for (let round = -rounds.warmUps; round < rounds.measured; round += 1) {
    const ways = ["tailnet", "loopback"] as const;
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const value = await measure(asks[way]);
      if (round >= 0) found[way].push(value);
    }
  }
  return found;
}

export async function benchEdges(
  { tailnet, runtime, folder }: EdgeStage,
  { calls, warmUps, downloads, sizeBytes }: EdgeRounds,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const port = await freePort();
  const agent = (name: string, listenPort: number, secret: string) =>
    manageProcess({
      command: [process.execPath, SCRIPT, folder, "1", String(listenPort)],
      env: { ...process.env, AGENT_SECRET: secret },
      logPath: join(tailnet.dir, `${name}.log`),
    });
  // Who calls is the policy's to say here, and the agent's own port is open to edges alone.
  const agents = [agent("tailnet-agent", AGENT_PORT, ""), agent("loopback-agent", port, SECRET)];
  try {
    await tailnet.addDaemon("bench-pod");
    await using far = await startEdge(tailnet, { runtime, env: REAL_TIMINGS });
    const near = [{ name: "near", url: `http://127.0.0.1:${port}`, secret: SECRET }];
    await using direct = await startTestEdge({ runtime, env: { ...REAL_TIMINGS, EDGE_PODS: JSON.stringify(near) } });
    await Promise.all([far.edge.waitReady(), direct.waitReady()]);
    const asks = { tailnet: await askerOf(far.edge), loopback: await askerOf(direct) };
    const took = await inTurns(asks, { measured: calls, warmUps }, async (ask) => {
      signal.throwIfAborted();
      return (await ask(SMALL)).tookMs;
    });
    const rates = await inTurns(asks, { measured: downloads, warmUps: 1 }, async (ask) => {
      signal.throwIfAborted();
      const { bytes, tookMs } = await ask(BIG);
      if (bytes !== sizeBytes) throw new Error(`Cannot measure: ${bytes} of ${sizeBytes} bytes came`);
      return bytes / 1e3 / tookMs;
    });
    const bench = `edge/${runtime}`;
    const ms = (metric: string, share: number): Measurement => ({
      ...{ bench, metric, unit: "ms" },
      value: percentile(took.tailnet, share),
      baseline: percentile(took.loopback, share),
    });
    const rate = { value: median(rates.tailnet), baseline: median(rates.loopback) };
    return [ms("call_p50", 0.5), ms("call_p99", 0.99), { bench, metric: "passing_rate", unit: "MB/s", ...rate }];
  } finally {
    await Promise.all(agents.map((one) => one.kill()));
  }
}
