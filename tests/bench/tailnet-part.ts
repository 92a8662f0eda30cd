/**
 * `bench tailnet`: what the private network costs, on real tailscaled and headscale, in three minutes. It runs itself
 * again in a network namespace, where it does the work.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";
import { startTailnetFleet } from "../support/tailnet/fleet.ts";
import { isIsolated } from "../support/tailnet/namespace.ts";
import { POD_PORTS } from "../support/tailnet/pod.ts";
import { startTailnet } from "../support/tailnet/tailnet.ts";
import { prepareFiles } from "./edge/prepared-files.ts";
import type { BenchFlags } from "./flags.ts";
import { benchJobs } from "./jobs.ts";
import type { Measurement } from "./measurement.ts";
import { benchDials, type DialRounds } from "./tailnet/dials.ts";
import { benchEdges, type EdgeRounds } from "./tailnet/edges.ts";
import { runIsolated } from "./tailnet/isolated.ts";
import { REAL_TIMINGS } from "./with-fleets.ts";

interface Rounds {
  dials: DialRounds;
  edges: EdgeRounds;
  /** Before the measured jobs of a runtime, as in `bench job`. */
  warmUps: number;
}

const SIZE_BYTES = 200_000_000;
const FULL: Rounds = {
  dials: { calls: 1_000, freshCalls: 200, downloads: 3, sizeBytes: SIZE_BYTES },
  edges: { calls: 1_500, warmUps: 500, downloads: 3, sizeBytes: SIZE_BYTES },
  warmUps: 400,
};
const QUICK: Rounds = {
  dials: { calls: 10, freshCalls: 3, downloads: 1, sizeBytes: 2_000_000 },
  edges: { calls: 10, warmUps: 3, downloads: 1, sizeBytes: 2_000_000 },
  warmUps: 3,
};
const QUICK_ROUNDS = 3;
const MAX_COLD_ROUNDS = 20;
const JOBS_BUDGET_MS = 60_000;
/** On an idle fleet, from submit until ComfyUI has the prompt. */
const GOALS = { queuedMs: 15 };

async function benchTailnetJobs(
  { rounds, warmUps }: { rounds: number; warmUps: number },
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const runtime of EDGE_RUNTIMES) {
    signal.throwIfAborted();
    await using fleet = await startTailnetFleet({ runtime, edge: { env: REAL_TIMINGS } });
    const one = { client: fleet.edge.client, comfyUrl: `http://127.0.0.1:${POD_PORTS.comfy}` };
    const coldRounds = Math.min(rounds, MAX_COLD_ROUNDS);
    const options = { rounds, coldRounds, warmUps, budgetMs: JOBS_BUDGET_MS, goals: GOALS, signal };
    measured.push(...await benchJobs([{ name: `job/${runtime}`, fleet: one }], options, say));
  }
  return measured;
}

export async function benchTailnetPart(
  { rounds: asked, quick }: Pick<BenchFlags, "rounds" | "quick">,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Measurement[]> {
  if (!isIsolated()) return await runIsolated(signal);
  const { dials, edges, warmUps } = quick ? QUICK : FULL;
  const rounds = quick ? Math.min(asked, QUICK_ROUNDS) : asked;
  const measured: Measurement[] = [];
  say(`${dials.calls} calls and downloads of ${dials.sizeBytes / 1e6} MB through tailscaled and beside it`);
  {
    await using tailnet = await startTailnet();
    measured.push(...await benchDials(tailnet, dials, signal));
  }
  const folder = await mkdtemp(join(tmpdir(), "comfyfleet-files-"));
  try {
    await prepareFiles(folder, { count: 1, sizeBytes: edges.sizeBytes });
    for (const runtime of EDGE_RUNTIMES) {
      signal.throwIfAborted();
      say(`the same through an edge on ${runtime}, with its pod on the tailnet and on loopback`);
      await using tailnet = await startTailnet();
      measured.push(...await benchEdges({ tailnet, runtime, folder }, edges, signal));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`${rounds} jobs per runtime over the tailnet`);
  measured.push(...await benchTailnetJobs({ rounds, warmUps }, signal, say));
  return measured;
}
