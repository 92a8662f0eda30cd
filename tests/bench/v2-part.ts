/** `bench v2`: the official SDKs and plain clients on the Comfy API v2 of both edges, beside comfy-api-proxy. */
import { type EdgeRuntime, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { startRealFleet } from "../support/real-comfy/fleet.ts";
import { lasting } from "../support/sdk/graphs.ts";
import type { BenchFlags } from "./flags.ts";
import { uniquePicture } from "./graph.ts";
import type { Measurement } from "./measurement.ts";
import type { ConnectV2 } from "./v2/client.ts";
import { benchCrowd } from "./v2/crowd.ts";
import { connectEvents, connectPolling } from "./v2/raw-clients.ts";
import { startRival } from "./v2/rival.ts";
import { benchRounds, type V2Server } from "./v2/rounds.ts";
import { connectPython, connectTypeScript } from "./v2/sdk-clients.ts";
import { REAL_TIMINGS, withFleets } from "./with-fleets.ts";

const SDKS: Record<string, ConnectV2> = { typescript_run: connectTypeScript, python_run: connectPython };
const CLIENTS: Record<string, ConnectV2> = { poll: connectPolling, sse: connectEvents, ...SDKS };
const RAW_GOAL = { p50: 10, p95: 25 };
const SDK_GOAL = { p50: 20 };
const GOALS = { poll: RAW_GOAL, sse: RAW_GOAL, typescript_run: SDK_GOAL, python_run: SDK_GOAL };

const SHORT_SECONDS = 0.3;
/** One of so many rounds. */
const SHORT_SHARE = 4;
/** Jobs of which ComfyUI takes longer than everything around it. */
const LONG_SECONDS = 0.1;
/** One of so many jobs. */
const LONG_SHARE = 8;
const FULL = { warmUps: 40, jobs: 1_000 };
const QUICK: typeof FULL = { warmUps: 1, jobs: 16 };
const CONCURRENCY = 8;
/** The clients of the benchmark ask as one tenant as often as they can. */
const ENV = { ...REAL_TIMINGS, V2_REQUESTS_PER_SECOND: "100000" };

function startFleet(runtime: EdgeRuntime, real: boolean): Promise<TestFleet> {
  if (real) return startRealFleet({ runtime, env: ENV });
  return startTestFleet({ runtime, env: ENV, standInArgs: ["--step-ms", "20"] });
}

function named300ms(measurement: Measurement): Measurement {
  return { ...measurement, metric: measurement.metric.replace("_run_", "_run_300ms_") };
}

function named100ms(measurement: Measurement): Measurement {
  return { ...measurement, metric: `${measurement.metric}_100ms` };
}

export async function benchV2Part(
  { rounds: asked, real, quick }: Pick<BenchFlags, "rounds" | "real" | "quick">,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const { warmUps, jobs } = quick ? QUICK : FULL;
  const rounds = quick ? 2 : asked;
  await using rival = await startRival({ real });
  return await withFleets((runtime) => startFleet(runtime, real), async (fleets) => {
    const servers: V2Server[] = [
      ...fleets.map(({ runtime, fleet: { baseUrl, apiKey, comfyUrl } }) => ({
        ...{ name: runtime, baseUrl, apiKey, comfyUrl, isOurs: true },
      })),
      { name: "proxy", baseUrl: rival.baseUrl, apiKey: rival.apiKey, comfyUrl: rival.comfyUrl, isOurs: false },
    ];
    const common = { signal, say, goals: GOALS };
    // First, so that what comes after is measured on servers that have run for a while.
    say(`${jobs} jobs on each server, ${CONCURRENCY} at a time`);
    const crowded = { connect: connectPolling, concurrency: CONCURRENCY, signal, say };
    const crowd = await benchCrowd(servers, { ...crowded, graph: uniquePicture, jobs, warmUps: jobs });
    const long = Math.ceil(jobs / LONG_SHARE);
    say(`${long} jobs of ${LONG_SECONDS} s on each server, ${CONCURRENCY} at a time`);
    const longCrowd = await benchCrowd(servers, {
      ...crowded,
      ...{ graph: () => lasting(LONG_SECONDS, real ? "real" : "fake"), jobs: long, warmUps: CONCURRENCY },
    });
    say(`${rounds} pictures by each of ${Object.keys(CLIENTS).length} clients on each of ${servers.length} servers`);
    const pictures = await benchRounds(servers, {
      ...common,
      ...{ clients: CLIENTS, graph: uniquePicture, rounds, warmUps },
    });
    say(`${Math.ceil(rounds / SHORT_SHARE)} jobs of ${SHORT_SECONDS} s by each SDK on each server`);
    const short = await benchRounds(servers, {
      ...common,
      ...{ clients: SDKS, graph: () => lasting(SHORT_SECONDS, real ? "real" : "fake"), warmUps: Math.min(warmUps, 3) },
      rounds: Math.ceil(rounds / SHORT_SHARE),
    });
    return [...crowd, ...longCrowd.map(named100ms), ...pictures, ...short.map(named300ms)];
  });
}
