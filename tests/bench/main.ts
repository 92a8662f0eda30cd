/**
 * `npm run bench -- job`: what the fleet costs, each number beside its baseline of the same run. On the stand-in it
 * takes about a minute and a half with the default rounds; both edges run at once, one of them busy at a time.
 */
import { EDGE_RUNTIMES, type EdgeRuntime, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { startRealFleet } from "../support/real-comfy/fleet.ts";
import { benchDisk } from "./disk.ts";
import { type BenchFlags, parseFlags, USAGE } from "./flags.ts";
import { benchJobs, type JobRounds } from "./jobs.ts";
import { isMet, jsonLine, type Measurement, table } from "./measurement.ts";
import { benchStarts } from "./starts.ts";

/** The edge's own defaults, which tests scale down. */
const REAL_TIMINGS = { POD_BEAT_MS: "5000", POD_UNREACHABLE_MS: "30000", POD_LOST_MS: "60000" };
const MAX_STARTS = 9;
/** By then the runtimes have compiled what a job passes through; before, a job costs half as much again. */
const WARM_UPS = 100;
const MAX_REAL_ROUNDS = 30;
const JOBS_BUDGET_MS = 100_000;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface RunningFleet {
  runtime: EdgeRuntime;
  fleet: TestFleet;
}

/** Both runtimes' fleets, ended in any case. */
async function withFleets<T>(
  start: (runtime: EdgeRuntime) => Promise<TestFleet>,
  use: (fleets: RunningFleet[]) => Promise<T>,
): Promise<T> {
  const fleets: RunningFleet[] = [];
  try {
    for (const runtime of EDGE_RUNTIMES) fleets.push({ runtime, fleet: await start(runtime) });
    return await use(fleets);
  } finally {
    await Promise.all(fleets.map(({ fleet }) => fleet[Symbol.asyncDispose]()));
  }
}

function jobsOf(prefix: string, fleets: readonly RunningFleet[], options: JobRounds): Promise<Measurement[]> {
  return benchJobs(fleets.map(({ runtime, fleet }) => ({ name: `${prefix}/${runtime}`, fleet })), options, say);
}

async function bench({ rounds, real }: BenchFlags, signal: AbortSignal): Promise<Measurement[]> {
  say(`fsync, then ${rounds} jobs and ${Math.min(rounds, MAX_STARTS)} starts per runtime on the stand-in`);
  const disk = await benchDisk();
  const onStandIn = await withFleets(
    (runtime) => startTestFleet({ runtime, env: REAL_TIMINGS }),
    async (fleets) => [
      ...await jobsOf("job", fleets, { rounds, warmUps: Math.min(rounds, WARM_UPS), budgetMs: JOBS_BUDGET_MS, signal }),
      ...await benchStarts(fleets, { rounds: Math.min(rounds, MAX_STARTS), signal }),
    ],
  );
  if (!real) return [disk, ...onStandIn];
  const realRounds = Math.min(rounds, MAX_REAL_ROUNDS);
  say(`${realRounds} jobs per runtime on a real ComfyUI on the CPU (set up first where there is none: 0.7 GB, once)`);
  const onReal = await withFleets(
    (runtime) => startRealFleet({ runtime, env: REAL_TIMINGS }),
    (fleets) =>
      jobsOf("real", fleets, {
        rounds: realRounds,
        warmUps: Math.min(rounds, WARM_UPS),
        budgetMs: JOBS_BUDGET_MS,
        signal,
      }),
  );
  return [disk, ...onStandIn, ...onReal];
}

let flags: BenchFlags | null = null;
try {
  flags = parseFlags(process.argv.slice(2));
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
if (flags) {
  // A stop still ends the processes of the fleets.
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const measurements = await bench(flags, stop.signal);
  process.stdout.write(
    flags.json ? measurements.map((one) => `${jsonLine(one)}\n`).join("") : `${table(measurements)}\n`,
  );
  const missed = measurements.filter((one) => !isMet(one)).length;
  say(missed === 0 ? "every goal is met" : `${missed} goals are missed`);
}
