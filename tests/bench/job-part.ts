/**
 * `bench job`: what the fleet costs a job, each number beside its baseline of the same run. On the stand-in it takes
 * about two minutes with the default rounds; both edges run at once, one of them busy at a time.
 */
import { startTestFleet } from "../support/fleet/fleet.ts";
import { startRealFleet } from "../support/real-comfy/fleet.ts";
import { benchDisk } from "./disk.ts";
import type { BenchFlags } from "./flags.ts";
import { benchJobs, type JobRounds } from "./jobs.ts";
import type { Measurement } from "./measurement.ts";
import { benchStarts } from "./starts.ts";
import { REAL_TIMINGS, type RunningFleet, withFleets } from "./with-fleets.ts";

const MAX_STARTS = 9;
/** By then both runtimes have compiled what a job passes through: Deno takes about 400 jobs to it, Node 800. */
const WARM_UPS = 800;
/** With `--rounds` below the default, to see that it runs, there is no waiting for compilers. */
const WARM_UPS_PER_ROUND = 6;
const MAX_COLD_ROUNDS = 20;
const MAX_REAL_ROUNDS = 30;
const JOBS_BUDGET_MS = 100_000;

export async function benchJobPart(
  { rounds, real }: Pick<BenchFlags, "rounds" | "real">,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const jobsOf = (prefix: string, fleets: readonly RunningFleet[], options: JobRounds) =>
    benchJobs(fleets.map(({ runtime, fleet }) => ({ name: `${prefix}/${runtime}`, fleet })), options, say);
  say(`fsync, then ${rounds} jobs and ${Math.min(rounds, MAX_STARTS)} starts per runtime on the stand-in`);
  const common = {
    coldRounds: Math.min(rounds, MAX_COLD_ROUNDS),
    warmUps: Math.min(rounds * WARM_UPS_PER_ROUND, WARM_UPS),
    budgetMs: JOBS_BUDGET_MS,
    signal,
  };
  const disk = await benchDisk();
  const onStandIn = await withFleets(
    (runtime) => startTestFleet({ runtime, env: REAL_TIMINGS }),
    async (fleets) => [
      ...await jobsOf("job", fleets, { rounds, ...common }),
      ...await benchStarts(fleets, { rounds: Math.min(rounds, MAX_STARTS), signal }),
    ],
  );
  if (!real) return [disk, ...onStandIn];
  const realRounds = Math.min(rounds, MAX_REAL_ROUNDS);
  say(`${realRounds} jobs per runtime on a real ComfyUI on the CPU (set up first where there is none: 0.7 GB, once)`);
  const onReal = await withFleets(
    (runtime) => startRealFleet({ runtime, env: REAL_TIMINGS }),
    (fleets) => jobsOf("real", fleets, { rounds: realRounds, ...common }),
  );
  return [disk, ...onStandIn, ...onReal];
}
