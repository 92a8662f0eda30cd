/** A fleet of each runtime for a part of the benchmark. */
import { EDGE_RUNTIMES, type EdgeRuntime, type TestFleet } from "../support/fleet/fleet.ts";

export interface RunningFleet {
  runtime: EdgeRuntime;
  fleet: TestFleet;
}

/** The edge's own defaults, which tests scale down. */
export const REAL_TIMINGS = { POD_BEAT_MS: "5000", POD_UNREACHABLE_MS: "30000", POD_LOST_MS: "60000" };

/** Both runtimes' fleets, ended in any case. */
export async function withFleets<T>(
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
