/**
 * Large files: passed through the edge from the agent to a caller, collected by the edge, and downloaded from its store;
 * each beside the agent's own download over the same link. The bytes lie on the agent's disk.
 */
import { assetContentPath, podTrpcPath } from "../../../contracts/edge/routes.ts";
import { outputPath } from "../../../contracts/agent/routes.ts";
import type { EdgeRuntime } from "../../support/fleet/fleet.ts";
import type { Measurement } from "../measurement.ts";
import { median } from "../statistics.ts";
import { download } from "./http-client.ts";
import type { Prepared } from "./prepared-files.ts";
import { growthDuring } from "./process-usage.ts";
import { scriptedGraph } from "./script.ts";
import type { Place, Stage } from "./stage.ts";

export interface TransferOptions {
  prepared: Prepared;
  /** Transfers of each kind to the near pod, and over the link. There are as many prepared files. */
  rounds: { near: number; far: number };
  signal: AbortSignal;
}

type Kind = "passing" | "collect" | "download";
type Where = "near" | "far";

/** Least share of the direct rate; collecting does more than a download: it also hashes and makes durable. */
const SHARE_GOALS: Record<EdgeRuntime, number> = { deno: 0.6, node: 0.2 };
const LINK_SHARE_GOAL = 0.97;
const GROWTH_GOALS_MB: Record<EdgeRuntime, number> = { deno: 50, node: 120 };
const METRICS: Record<Kind, string> = { passing: "passing", collect: "stored_collect", download: "stored_download" };
const DEADLINE_MS = 60_000;

interface Sample {
  mbPerSecond: number;
  beforeMb: number;
  growthMb: number;
}

interface Samples {
  direct: number[];
  through: Record<Kind, Sample[]>;
}

async function measureOne(
  { stage, prepared, samples }: {
    stage: Stage;
    prepared: Prepared;
    samples: Samples;
  },
  place: Place,
  index: number,
): Promise<void> {
  const { edge, client, agentSecret } = stage;
  const sizeBytes = prepared.outputs[index]?.sizeBytes ?? 0;
  const rateOf = (tookMs: number) => sizeBytes / 1e3 / tookMs;
  const fetchAll = async (url: string, secret: string) => {
    const { bytes, tookMs } = await download({ url, secret });
    if (bytes !== sizeBytes) throw new Error(`Cannot measure: ${url} gave ${bytes} of ${sizeBytes} bytes`);
    return rateOf(tookMs);
  };
  const through = async (kind: Kind, work: () => Promise<number>) => {
    const { result, beforeMb, growthMb } = await growthDuring(edge.process.pid, work);
    samples.through[kind].push({ mbPerSecond: result, beforeMb, growthMb });
  };

  samples.direct.push(await fetchAll(place.agentUrl + outputPath(prepared.attemptId, index), agentSecret));
  const logs = `${edge.baseUrl}${podTrpcPath(place.podId)}/comfy.logs`;
  await through("passing", () => fetchAll(logs, edge.apiKey));
  let assetId: Parameters<typeof assetContentPath>[0] | null = null;
  await through("collect", async () => {
    const startedMs = performance.now();
    const run = client.run(scriptedGraph({ kind: "file", index }), {}, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const { outputs: [output] } = await run.result();
    assetId = output?.assetId ?? null;
    return rateOf(performance.now() - startedMs);
  });
  if (assetId === null) throw new Error("Cannot measure: the job gave no file");
  const stored = place.edgeUrl + assetContentPath(assetId);
  await through("download", () => fetchAll(stored, edge.apiKey));
}

function summarise(stage: Stage, samples: Record<Where, Samples>): Measurement[] {
  const bench = `bytes/${stage.runtime}`;
  const rate = (kind: Kind, where: Where): Measurement => {
    const { direct, through } = samples[where];
    const baseline = median(direct);
    const value = median(through[kind].map((one) => one.mbPerSecond));
    const metric = `${METRICS[kind]}_${where === "far" ? "linked_" : ""}rate`;
    const share = where === "far" ? LINK_SHARE_GOAL : SHARE_GOALS[stage.runtime];
    return { bench, metric, value, unit: "MB/s", baseline, goal: baseline * share, goalIs: "at_least" };
  };
  const growth = (kind: Kind): Measurement => {
    const all = [...samples.near.through[kind], ...samples.far.through[kind]];
    return {
      ...{ bench, metric: `${METRICS[kind]}_rss_growth`, unit: "MB", goal: GROWTH_GOALS_MB[stage.runtime] },
      value: Math.max(...all.map(({ growthMb }) => growthMb)),
      baseline: median(all.map(({ beforeMb }) => beforeMb)),
    };
  };
  const kinds: Kind[] = ["passing", "download", "collect"];
  return kinds.flatMap((kind) => [rate(kind, "near"), rate(kind, "far"), growth(kind)]);
}

export async function benchTransfers(
  stage: Stage,
  { prepared, rounds, signal }: TransferOptions,
): Promise<Measurement[]> {
  const none = (): Samples => ({ direct: [], through: { passing: [], collect: [], download: [] } });
  const samples = { near: none(), far: none() };
  let index = 0;
  for (const where of ["near", "far"] as const) {
    await stage.only(stage[where]);
    for (let round = 0; round < rounds[where]; round += 1, index += 1) {
      signal.throwIfAborted();
      await measureOne({ stage, prepared, samples: samples[where] }, stage[where], index);
    }
  }
  return summarise(stage, samples);
}
