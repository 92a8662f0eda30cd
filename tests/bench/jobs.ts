/**
 * Jobs through a whole fleet beside the same work driven directly on the same ComfyUI: in turns, one at a time, on an
 * idle fleet, so that both see the same machine. Measured twice: the first jobs after a start, while the runtimes still
 * interpret, and jobs of a process that has run hundreds, as an edge has a minute after its start. Goals are for these.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TestFleet } from "../support/fleet/fleet.ts";
import { connectDirectly, type DirectComfy } from "./direct-comfy.ts";
import { uniquePicture } from "./graph.ts";
import type { Measurement } from "./measurement.ts";
import { percentile } from "./statistics.ts";

export interface JobBench {
  /** E.g. `job/deno`. */
  name: string;
  fleet: Pick<TestFleet, "client" | "comfyUrl">;
}

export interface JobRounds {
  /** Measured jobs of warm processes. */
  rounds: number;
  /** Measured jobs of processes that have just started. */
  coldRounds: number;
  /** Unmeasured jobs between the two, one after the other without a pause, all fleets at once. */
  warmUps: number;
  /** No new round after this long, warm-ups included. */
  budgetMs: number;
  /** @default those of pods that are reached directly */
  goals?: JobGoals;
  signal: AbortSignal;
}

/** Bounds that the project sets itself; what is left out has none. */
export interface JobGoals {
  /** Of the median from submit until ComfyUI has the prompt. */
  queuedMs: number;
  /** What the fleet may add to a whole job. */
  added?: { p50Ms: number; p95Ms: number };
}

/** What the edge still does after an answer (release, beats) is over by then. */
const SETTLE_MS = 30;
/** A job takes milliseconds; one that is not done by then is lost, and waiting for it would never end. */
const JOB_DEADLINE_MS = 30_000;
const DIRECT_GOALS: JobGoals = { queuedMs: 10, added: { p50Ms: 10, p95Ms: 25 } };

interface Sample {
  /** Submitted → ComfyUI said that it has the prompt. */
  queuedMs: number;
  /** Submitted → the output's bytes are here. */
  wallMs: number;
}

async function measure(witness: DirectComfy, work: () => Promise<Uint8Array[]>): Promise<Sample> {
  await sleep(SETTLE_MS);
  const queued = witness.nextQueued();
  const startedMs = performance.now();
  const files = await work();
  const wallMs = performance.now() - startedMs;
  if (files.length !== 1 || files[0]?.length === 0) throw new Error("Cannot measure: the job gave no picture");
  return { queuedMs: await queued - startedMs, wallMs };
}

function throughFleet({ client }: JobBench["fleet"]): () => Promise<Uint8Array[]> {
  const workflow = uniquePicture();
  return async () => {
    const { outputs } = await client.run(workflow, {}, { signal: AbortSignal.timeout(JOB_DEADLINE_MS) });
    return await Promise.all(outputs.map((output) => output.bytes()));
  };
}

function directly(comfy: DirectComfy): () => Promise<Uint8Array[]> {
  const workflow = uniquePicture();
  return () => comfy.run(workflow);
}

interface Samples {
  through: Sample[];
  direct: Sample[];
}

function newSamples(): Samples {
  return { through: [], direct: [] };
}

function summarise(bench: string, { warm, cold }: Record<"warm" | "cold", Samples>, goals: JobGoals): Measurement[] {
  const at = (samples: Sample[], key: keyof Sample, share: number) => percentile(samples.map((one) => one[key]), share);
  const line = ({ through, direct }: Samples, key: keyof Sample, share: number) => ({
    bench,
    value: at(through, key, share),
    unit: "ms" as const,
    baseline: at(direct, key, share),
  });
  const wall50 = line(warm, "wallMs", 0.5);
  const wall95 = line(warm, "wallMs", 0.95);
  const within = ({ baseline }: { baseline: number }, addedMs: number | undefined) =>
    addedMs === undefined ? {} : { goal: baseline + addedMs };
  return [
    { ...line(cold, "queuedMs", 0.5), metric: "cold_submit_to_comfyui_p50" },
    { ...line(cold, "wallMs", 0.5), metric: "cold_wall_p50" },
    { ...line(warm, "queuedMs", 0.5), metric: "submit_to_comfyui_p50", goal: goals.queuedMs },
    { ...line(warm, "queuedMs", 0.95), metric: "submit_to_comfyui_p95" },
    { ...wall50, metric: "wall_p50", ...within(wall50, goals.added?.p50Ms) },
    { ...wall95, metric: "wall_p95", ...within(wall95, goals.added?.p95Ms) },
  ];
}

/** @param say told the number of rounds that the time allowed, when that is fewer than asked for */
export async function benchJobs(
  benches: readonly JobBench[],
  { rounds, coldRounds, warmUps, budgetMs, goals = DIRECT_GOALS, signal }: JobRounds,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const deadlineMs = performance.now() + budgetMs;
  const isLate = () => performance.now() > deadlineMs;
  const runs = await Promise.all(benches.map(async ({ name, fleet }) => ({
    name,
    fleet,
    direct: await connectDirectly(fleet.comfyUrl),
    cold: newSamples(),
    warm: newSamples(),
  })));
  const measureRound = async (kind: "cold" | "warm") => {
    for (const { fleet, direct, [kind]: samples } of runs) {
      signal.throwIfAborted();
      samples.direct.push(await measure(direct, directly(direct)));
      samples.through.push(await measure(direct, throughFleet(fleet)));
    }
  };
  const warmUp = async ({ fleet }: JobBench) => {
    for (let count = 0; count < warmUps && !isLate(); count += 1) {
      signal.throwIfAborted();
      await throughFleet(fleet)();
    }
  };
  try {
    for (let round = 0; round < coldRounds; round += 1) await measureRound("cold");
    await Promise.all(runs.map(warmUp));
    for (let round = 0; round < rounds; round += 1) {
      if (round > 0 && isLate()) {
        say(`the time is up after ${round} of ${rounds} rounds`);
        break;
      }
      await measureRound("warm");
    }
    return runs.flatMap(({ name, warm, cold }) => summarise(name, { warm, cold }, goals));
  } finally {
    for (const { direct } of runs) direct[Symbol.dispose]();
  }
}
