/** `bench edge`: what passes through the edge, one runtime after the other, each number beside its baseline. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EDGE_RUNTIMES, startTestFleet } from "../support/fleet/fleet.ts";
import { startCollector } from "../support/telemetry/collector.ts";
import { benchCalls } from "./edge/calls.ts";
import { prepareFiles } from "./edge/prepared-files.ts";
import { startStage } from "./edge/stage.ts";
import { benchTransfers } from "./edge/transfers.ts";
import { benchWatchers } from "./edge/watchers.ts";
import type { Measurement } from "./measurement.ts";
import { REAL_TIMINGS, withFleets } from "./with-fleets.ts";

const FULL = {
  calls: { rounds: 4_000, warmUps: 1_500 },
  sizeBytes: 200_000_000,
  rounds: { near: 4, far: 2 },
  watchers: { jobs: 50, watchersPerJob: 10, windowMs: 10_000, marginMs: 2_000 },
};
const QUICK: typeof FULL = {
  calls: { rounds: 20, warmUps: 5 },
  sizeBytes: 2_000_000,
  rounds: { near: 1, far: 1 },
  watchers: { jobs: 3, watchersPerJob: 4, windowMs: 1_000, marginMs: 600 },
};
const LINK_BYTES_PER_SECOND = 100_000_000;

export async function benchEdgePart(
  { quick }: { quick: boolean },
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const { calls, sizeBytes, rounds, watchers } = quick ? QUICK : FULL;
  say(`${calls.rounds} calls of a pod through each edge and each bare proxy`);
  await using collector = await startCollector();
  const env = { ...REAL_TIMINGS, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const measured = await withFleets(
    (runtime) => startTestFleet({ runtime, env }),
    (fleets) => benchCalls(fleets, { ...calls, signal }),
  );
  // The quick run is over before the first batch of spans is due.
  if (!quick && collector.lastHeaders() === null) throw new Error("Cannot measure calls with tracing: no span came");
  const folder = await mkdtemp(join(tmpdir(), "comfyfleet-files-"));
  try {
    const prepared = await prepareFiles(folder, { count: rounds.near + rounds.far, sizeBytes });
    for (const runtime of EDGE_RUNTIMES) {
      signal.throwIfAborted();
      await using stage = await startStage({
        ...{ runtime, folder, slots: watchers.jobs, linkBytesPerSecond: LINK_BYTES_PER_SECOND },
      });
      say(`files of ${sizeBytes / 1e6} MB through the edge on ${runtime}`);
      measured.push(...await benchTransfers(stage, { prepared, rounds, signal }));
    }
    for (const runtime of EDGE_RUNTIMES) {
      signal.throwIfAborted();
      // An edge of its own, whose memory large files have not grown.
      await using stage = await startStage({
        ...{ runtime, folder, slots: watchers.jobs, linkBytesPerSecond: LINK_BYTES_PER_SECOND },
      });
      say(`${watchers.jobs * watchers.watchersPerJob} watchers of the edge on ${runtime}`);
      measured.push(...await benchWatchers(stage, { ...watchers, signal }));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return measured;
}
