/** Many jobs at once: how many a second, and how many of them are told a wrong end. */
import { connectDirectly, type DirectComfy } from "../direct-comfy.ts";
import type { Measurement } from "../measurement.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { type ConnectV2, isFalse, type V2Client } from "./client.ts";
import type { V2Server } from "./rounds.ts";

export interface CrowdOptions {
  connect: ConnectV2;
  graph: () => Workflow;
  /** Of each server, or a few more, that every turn has as many; a third as many directly. */
  jobs: number;
  /** Unmeasured jobs before, so that code is compiled. */
  warmUps: number;
  concurrency: number;
  signal: AbortSignal;
  say: (text: string) => void;
}

/** Of comfy-api-proxy, which compiles nothing. */
const RIVAL_WARM_UPS = 200;
/** Each server's turns: a machine is faster in one minute than in the next, and all are to have some of each. */
const TURNS = 4;

/** Runs so many, so many at a time, and returns how long they took, ms. */
async function timeOf(count: number, concurrency: number, run: () => Promise<void>): Promise<number> {
  let left = count;
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (left > 0) {
      left -= 1;
      await run();
    }
  }));
  return performance.now() - startedMs;
}

interface Count {
  jobs: number;
  ms: number;
}

interface Crowd {
  server: V2Server;
  direct: DirectComfy;
  client: V2Client;
  /** What was told of jobs instead of their success. */
  wrong: string[];
  /** A job that ended wrongly is none that was done. */
  done: Count;
  doneDirectly: Count;
}

function perSecond({ jobs, ms }: Count): number {
  return jobs / ms * 1_000;
}

/** One part of the jobs, directly and by the server's own way. */
async function takeTurn(crowd: Crowd, { graph, jobs, concurrency, signal }: CrowdOptions): Promise<void> {
  const { direct, client, wrong, done, doneDirectly } = crowd;
  const part = Math.ceil(jobs / TURNS);
  const directPart = Math.ceil(part / 3);
  doneDirectly.ms += await timeOf(directPart, concurrency, async () => {
    signal.throwIfAborted();
    await direct.run(graph());
  });
  doneDirectly.jobs += directPart;
  done.ms += await timeOf(part, concurrency, async () => {
    signal.throwIfAborted();
    const outcome = await client.run(graph());
    if (isFalse(outcome)) wrong.push(outcome.state);
    else done.jobs += 1;
  });
}

async function warmUp({ server, client, wrong }: Crowd, options: CrowdOptions): Promise<void> {
  const { graph, warmUps, concurrency, signal } = options;
  await timeOf(server.isOurs ? warmUps : Math.min(warmUps, RIVAL_WARM_UPS), concurrency, async () => {
    signal.throwIfAborted();
    const outcome = await client.run(graph());
    if (isFalse(outcome)) wrong.push(outcome.state);
  });
}

function summarise(
  { server, wrong, done, doneDirectly }: Crowd,
  rival: Crowd | undefined,
  jobs: number,
): Measurement[] {
  const bench = `v2/${server.name}`;
  return [
    {
      ...{ bench, metric: "false_states", value: wrong.length, unit: "jobs", baseline: jobs },
      ...(server.isOurs ? { goal: 0 } : {}),
    },
    {
      ...{ bench, metric: "jobs_per_second", value: perSecond(done), unit: "1/s", baseline: perSecond(doneDirectly) },
      ...(server.isOurs && rival ? { goal: perSecond(rival.done), goalIs: "at_least" } : {}),
    },
  ];
}

export async function benchCrowd(servers: readonly V2Server[], options: CrowdOptions): Promise<Measurement[]> {
  await using connections = new AsyncDisposableStack();
  const crowds: Crowd[] = [];
  for (const server of servers) {
    const direct = connections.use(await connectDirectly(server.comfyUrl));
    const client = connections.use(await options.connect(server));
    const none = { jobs: 0, ms: 0 };
    crowds.push({ server, direct, client, wrong: [], done: { ...none }, doneDirectly: { ...none } });
  }
  for (const crowd of crowds) await warmUp(crowd, options);
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const crowd of crowds) await takeTurn(crowd, options);
  }
  const rival = crowds.find(({ server }) => !server.isOurs);
  return crowds.flatMap((crowd) => {
    const { server, wrong } = crowd;
    if (wrong.length > 0) options.say(`${server.name}: ${wrong.length} wrong ends, e.g. ${wrong[0]}`);
    return summarise(crowd, rival, Math.ceil(options.jobs / TURNS) * TURNS);
  });
}
