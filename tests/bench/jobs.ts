/**
 * Jobs through a whole fleet beside the same work driven directly on the same ComfyUI: in turns, one at a time, on an
 * idle fleet, so that both see the same machine.
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
  fleet: TestFleet;
}

export interface JobRounds {
  rounds: number;
  /** Unmeasured jobs before, so that code is compiled and connections are open. */
  warmUps: number;
  /** No new round after this long. */
  budgetMs: number;
  signal: AbortSignal;
}

/** What the edge still does after an answer (release, beats) is over by then. */
const SETTLE_MS = 30;
/** A job takes milliseconds; one that is not done by then is lost, and waiting for it would never end. */
const JOB_DEADLINE_MS = 30_000;
const QUEUED_GOAL_MS = 10;
const ADDED_P50_GOAL_MS = 10;
const ADDED_P95_GOAL_MS = 25;

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

function throughFleet({ client }: TestFleet): () => Promise<Uint8Array[]> {
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

function summarise(bench: string, through: Sample[], direct: Sample[]): Measurement[] {
  const at = (samples: Sample[], key: keyof Sample, share: number) => percentile(samples.map((one) => one[key]), share);
  const line = (key: keyof Sample, share: number, metric: string) => ({
    bench,
    metric,
    value: at(through, key, share),
    unit: "ms" as const,
    baseline: at(direct, key, share),
  });
  const wall50 = line("wallMs", 0.5, "wall_p50");
  const wall95 = line("wallMs", 0.95, "wall_p95");
  return [
    { ...line("queuedMs", 0.5, "submit_to_comfyui_p50"), goal: QUEUED_GOAL_MS },
    line("queuedMs", 0.95, "submit_to_comfyui_p95"),
    { ...wall50, goal: wall50.baseline + ADDED_P50_GOAL_MS },
    { ...wall95, goal: wall95.baseline + ADDED_P95_GOAL_MS },
  ];
}

/** @param say told the number of rounds that the time allowed, when that is fewer than asked for */
export async function benchJobs(
  benches: readonly JobBench[],
  options: JobRounds,
  say: (text: string) => void,
): Promise<Measurement[]> {
  const deadlineMs = performance.now() + options.budgetMs;
  const runs = await Promise.all(benches.map(async ({ name, fleet }) => ({
    name,
    fleet,
    direct: await connectDirectly(fleet.comfyUrl),
    samples: { through: [] as Sample[], direct: [] as Sample[] },
  })));
  try {
    for (let round = -options.warmUps; round < options.rounds; round += 1) {
      options.signal.throwIfAborted();
      if (round > 0 && performance.now() > deadlineMs) {
        say(`the time is up after ${round} of ${options.rounds} rounds`);
        break;
      }
      for (const { fleet, direct, samples } of runs) {
        const one = await measure(direct, directly(direct));
        const other = await measure(direct, throughFleet(fleet));
        if (round < 0) continue;
        samples.direct.push(one);
        samples.through.push(other);
      }
    }
    return runs.flatMap(({ name, samples }) => summarise(name, samples.through, samples.direct));
  } finally {
    for (const { direct } of runs) direct[Symbol.dispose]();
  }
}
