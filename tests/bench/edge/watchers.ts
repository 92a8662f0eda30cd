/**
 * Many watchers of jobs that report progress five times a second: whether every one of them is told every step of every
 * job's life, how much of the progress arrives, and what it costs; beside a bare event server of the same runtime.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isTerminal } from "../../../contracts/job-state.ts";
import { until } from "../../support/fleet/until.ts";
import { readStoredJob } from "../../support/fleet/store.ts";
import type { Measurement } from "../measurement.ts";
import { median } from "../statistics.ts";
import { startBare } from "./bare-process.ts";
import { open, readEvents } from "./http-client.ts";
import { cpuSeconds, residentMb } from "./process-usage.ts";
import { scriptedGraph } from "./script.ts";
import type { Stage } from "./stage.ts";
import { openWatcher, type Watcher } from "./watcher.ts";

export interface WatcherOptions {
  jobs: number;
  watchersPerJob: number;
  /** What is counted lasts this long. */
  windowMs: number;
  /** Before the window and after it, so that all run in it. */
  marginMs: number;
  signal: AbortSignal;
}

const EVERY_MS = 200;
const DEADLINE_MS = 60_000;
/** Of the bare server's: what falls between two clocks of 200 ms, the agent's and the edge's, is told by the next. */
const PROGRESS_SHARE_GOAL = 0.95;
/** About what an event of the edge has. */
const EVENT_BYTES = 330;

interface Window {
  /** Events that each watcher got, a second. */
  rates: number[];
  cpuSeconds: number;
  growthMb: number;
}

async function measureWindow(pid: number, { windowMs }: WatcherOptions, counts: () => number[]): Promise<Window> {
  const before = { counts: counts(), cpu: cpuSeconds(pid), atMs: performance.now() };
  await sleep(windowMs);
  const tookS = (performance.now() - before.atMs) / 1_000;
  const rates = counts().map((count, at) => (count - (before.counts[at] ?? 0)) / tookS);
  return { rates, cpuSeconds: cpuSeconds(pid) - before.cpu, growthMb: residentMb(pid) };
}

async function watchBare({ runtime }: Stage, options: WatcherOptions): Promise<Window> {
  await using bare = await startBare({ name: "bare-events", runtime });
  const beforeMb = residentMb(bare.pid);
  const counts: number[] = Array.from({ length: options.jobs * options.watchersPerJob }, () => 0);
  const count = (options.windowMs + 2 * options.marginMs) / EVERY_MS;
  const url = `${bare.url}/?count=${count}&bytes=${EVENT_BYTES}&everyMs=${EVERY_MS}`;
  const responses = await Promise.all(counts.map(() => open({ url, secret: "" })));
  const ends = responses.map((response, at) => readEvents(response, () => (counts[at] = (counts[at] ?? 0) + 1)));
  await sleep(options.marginMs);
  const window = await measureWindow(bare.pid, options, () => [...counts]);
  await Promise.all(ends);
  return { ...window, growthMb: window.growthMb - beforeMb };
}

interface Watched {
  window: Window;
  watchers: Watcher[];
}

async function watchEdge(stage: Stage, options: WatcherOptions): Promise<Watched> {
  const { edge, client } = stage;
  await stage.only(null);
  const graph = scriptedGraph({
    ...{ kind: "progress", everyMs: EVERY_MS },
    steps: (options.windowMs + 2 * options.marginMs) / EVERY_MS,
  });
  const beforeMb = residentMb(edge.process.pid);
  const jobs = await Promise.all(Array.from({ length: options.jobs }, () => client.run(graph).submitted));
  const watchers = await Promise.all(
    jobs.flatMap(({ id }) =>
      Array.from(
        { length: options.watchersPerJob },
        () => openWatcher({ baseUrl: edge.baseUrl, apiKey: edge.apiKey, jobId: id }),
      )
    ),
  );
  await until(
    "every watcher to be told how its job is",
    () => watchers.every(({ statuses }) => statuses.length > 0) || null,
  );
  await stage.only(stage.near);
  await until("every watcher to see progress", () => watchers.every((one) => one.progress > 0) || null, DEADLINE_MS);
  await sleep(options.marginMs / 2);
  const window = await measureWindow(edge.process.pid, options, () => watchers.map((one) => one.progress));
  await Promise.race([
    Promise.all(watchers.map(({ ended }) => ended)),
    sleep(DEADLINE_MS, undefined, { ref: false }).then(() => {
      throw new Error("Cannot measure: the streams of ended jobs did not end");
    }),
  ]);
  return { window: { ...window, growthMb: window.growthMb - beforeMb }, watchers };
}

/** How many lifecycle events were due, and how many came: each once and in order, to the one that ends the job. */
function judge(dataDir: string, watchers: readonly Watcher[]): { due: number; right: number } {
  const total = { due: 0, right: 0 };
  const stored = new Map(
    [...new Set(watchers.map(({ jobId }) => jobId))].map((jobId) => [jobId, readStoredJob(dataDir, jobId).events]),
  );
  for (const { jobId, statuses } of watchers) {
    const [snapshot, ...seen] = statuses;
    const due = (stored.get(jobId) ?? []).filter(({ ver }) => ver > (snapshot?.ver ?? 0));
    if (!isTerminal(due.at(-1)?.state ?? "queued")) throw new Error(`Cannot measure: ${jobId} has not ended`);
    total.due += due.length;
    // One that is out of place makes all that follow wrong, and one too many is one less.
    const right = due.filter(({ ver, state }, at) => seen[at]?.ver === ver && seen[at]?.state === state).length;
    total.right += right - Math.max(0, seen.length - due.length);
  }
  return total;
}

/** Stops the edge: its store can be read only then. */
export async function benchWatchers(stage: Stage, options: WatcherOptions): Promise<Measurement[]> {
  options.signal.throwIfAborted();
  const bare = await watchBare(stage, options);
  options.signal.throwIfAborted();
  const { window, watchers } = await watchEdge(stage, options);
  await stage.edge.process.terminate();
  const { due, right } = judge(stage.edge.dataDir, watchers);
  const bench = `watchers/${stage.runtime}`;
  const bareRate = median(bare.rates);
  const goal = { goal: bareRate * PROGRESS_SHARE_GOAL, goalIs: "at_least" as const };
  const progress = { bench, unit: "1/s" as const, baseline: bareRate, ...goal };
  return [
    { bench, metric: "lifecycle_events", value: right, unit: "events", baseline: due, goal: due, goalIs: "at_least" },
    { ...progress, metric: "progress_per_watcher_p50", value: median(window.rates) },
    { ...progress, metric: "progress_per_watcher_min", value: Math.min(...window.rates) },
    { bench, metric: "cpu", value: window.cpuSeconds, unit: "s", baseline: bare.cpuSeconds },
    { bench, metric: "rss_growth", value: window.growthMb, unit: "MB", baseline: bare.growthMb },
  ];
}
