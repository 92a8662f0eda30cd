/** Many jobs at once: how many a second, and how many of them are told a wrong end. */
import { connectDirectly } from "../direct-comfy.ts";
import type { Measurement } from "../measurement.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { type ConnectV2, isFalse } from "./client.ts";
import type { V2Server } from "./rounds.ts";

export interface CrowdOptions {
  connect: ConnectV2;
  graph: () => Workflow;
  /** Of each server; a third of it directly. */
  jobs: number;
  /** Unmeasured jobs before, so that code is compiled. */
  warmUps: number;
  concurrency: number;
  signal: AbortSignal;
  say: (text: string) => void;
}

/** Of comfy-api-proxy, which compiles nothing. */
const RIVAL_WARM_UPS = 200;

/** Runs so many, so many at a time, and returns how many a second. */
async function perSecond(count: number, concurrency: number, run: () => Promise<void>): Promise<number> {
  let left = count;
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (left > 0) {
      left -= 1;
      await run();
    }
  }));
  return count / (performance.now() - startedMs) * 1_000;
}

interface Crowd {
  server: V2Server;
  rate: number;
  directRate: number;
  wrong: string[];
}

async function crowdOf(server: V2Server, options: CrowdOptions): Promise<Crowd> {
  const { connect, graph, jobs, warmUps, concurrency, signal } = options;
  const direct = await connectDirectly(server.comfyUrl);
  await using client = await connect(server);
  const wrong: string[] = [];
  const wrongBefore: string[] = [];
  try {
    const directRate = await perSecond(Math.ceil(jobs / 3), concurrency, async () => {
      signal.throwIfAborted();
      await direct.run(graph());
    });
    await perSecond(server.isOurs ? warmUps : Math.min(warmUps, RIVAL_WARM_UPS), concurrency, async () => {
      signal.throwIfAborted();
      const outcome = await client.run(graph());
      if (isFalse(outcome)) wrongBefore.push(outcome.state);
    });
    const rate = await perSecond(jobs, concurrency, async () => {
      signal.throwIfAborted();
      const outcome = await client.run(graph());
      if (isFalse(outcome)) wrong.push(outcome.state);
    });
    // A job that ended wrongly is none that was done.
    return { server, rate: rate * (jobs - wrong.length) / jobs, directRate, wrong: [...wrongBefore, ...wrong] };
  } finally {
    direct[Symbol.dispose]();
  }
}

export async function benchCrowd(servers: readonly V2Server[], options: CrowdOptions): Promise<Measurement[]> {
  const crowds: Crowd[] = [];
  for (const server of servers) crowds.push(await crowdOf(server, options));
  const rival = crowds.find(({ server }) => !server.isOurs);
  return crowds.flatMap(({ server, rate, directRate, wrong }): Measurement[] => {
    if (wrong.length > 0) options.say(`${server.name}: ${wrong.length} wrong ends, e.g. ${wrong[0]}`);
    const bench = `v2/${server.name}`;
    return [
      {
        ...{ bench, metric: "false_states", value: wrong.length, unit: "jobs", baseline: options.jobs },
        ...(server.isOurs ? { goal: 0 } : {}),
      },
      {
        ...{ bench, metric: "jobs_per_second", value: rate, unit: "1/s", baseline: directRate },
        ...(server.isOurs && rival ? { goal: rival.rate, goalIs: "at_least" } : {}),
      },
    ];
  });
}
