/** The pod's GPUs for the rest of the agent: probed all the time, judged at every look, told of when the verdict changes. */
import type { GpuReading, GpuSample, GpuVerdict } from "../../contracts/agent/gpu.ts";
import type { GpuPort } from "../../contracts/agent/ports.ts";
import { MAX_DEVICES } from "../../contracts/bounds.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { freshMemory } from "./health/memory.ts";
import { type Observation, observe } from "./health/observe.ts";
import { findingOf } from "./health/read-failure.ts";
import { verdictOf } from "./health/verdict.ts";
import { keepProbing } from "./smi/keep-probing.ts";
import type { StartSmi } from "./smi/process.ts";

export interface GpuServiceOptions {
  startSmi: StartSmi;
  clock: Clock;
  random: () => number;
  logger: Logger;
  /** Between two samples. */
  intervalMs: number;
}

export class GpuService implements GpuPort {
  readonly #options: GpuServiceOptions;
  readonly #listeners = new Set<(verdict: GpuVerdict) => void>();
  readonly #stopping = new AbortController();
  #memory;
  #verdict: GpuVerdict;
  #readings: { atMs: number; gpus: GpuReading[] } | null = null;
  #problem: string | null = null;
  #probing: Promise<void> | null = null;

  constructor(options: GpuServiceOptions) {
    this.#options = options;
    const nowMs = options.clock.now();
    this.#memory = freshMemory(nowMs);
    this.#verdict = verdictOf(this.#memory, null, nowMs);
  }

  get current(): GpuVerdict {
    return this.#verdict;
  }

  verdict(): Promise<GpuVerdict> {
    return Promise.resolve(this.#verdict);
  }

  sample(): Promise<GpuSample> {
    return Promise.resolve({
      sampledAt: this.#readings === null ? null : toTimestamp(this.#readings.atMs),
      gpus: this.#readings?.gpus ?? [],
      problem: this.#problem,
    });
  }

  /** Called after every change of the verdict; returns the unsubscribe function. */
  onVerdict(listener: (verdict: GpuVerdict) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What came of a job's run in ComfyUI, as far as that says something of the GPU. */
  noteRun(run: { is: "work_fault"; jobId: string } | { is: "work_success" }): void {
    this.#see(run);
  }

  start(): void {
    if (this.#probing !== null || this.#stopping.signal.aborted) return;
    const listener = {
      sample: (rows: Extract<Observation, { is: "sample" }>["rows"]) => {
        const gpus = rows.slice(0, MAX_DEVICES).map(({ reading }) => reading);
        this.#readings = { atMs: this.#options.clock.now(), gpus };
        this.#problem = null;
        this.#see({ is: "sample", rows });
      },
      failure: (failure: Extract<Observation, { is: "failure" }>["failure"]) => {
        this.#problem = findingOf(failure, this.#memory.seen.size > 0).detail;
        this.#see({ is: "failure", failure });
      },
    };
    this.#probing = keepProbing({ ...this.#options, listener }, this.#stopping.signal);
  }

  /** Ends the probe; resolves when its process is gone or has had five seconds to go. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#probing;
  }

  #see(observation: Observation): void {
    const nowMs = this.#options.clock.now();
    this.#memory = observe(this.#memory, observation, nowMs);
    const before = this.#verdict;
    this.#verdict = verdictOf(this.#memory, before, nowMs);
    if (this.#verdict === before) return;
    const { state, action, nodeHint, reasons } = this.#verdict;
    const why = reasons.map(({ code, detail }) => `${code}: ${detail}`);
    const line = { from: before.state, to: state, action, nodeHint, why };
    if (state === "unhealthy" || state === "degraded") this.#options.logger.warn("GPU verdict changed", line);
    else this.#options.logger.info("GPU verdict changed", line);
    for (const listener of this.#listeners) listener(this.#verdict);
  }
}
