// Looks at GPUs in a row, and the verdict after each.
import type { Observation } from "../../../../agent/gpu/health/observe.ts";
import { observe } from "../../../../agent/gpu/health/observe.ts";
import { freshMemory } from "../../../../agent/gpu/health/memory.ts";
import { verdictOf } from "../../../../agent/gpu/health/verdict.ts";
import type { FailureCode } from "../../../../agent/gpu/smi/failure.ts";
import { GpuVerdict } from "../../../../contracts/agent/gpu.ts";
import type { GpuKind } from "../../../support/gpu/kinds.ts";
import { rowOf } from "./rows.ts";

type Cells = Readonly<Record<string, string>>;

/** A minute after the epoch's beginning, so that buckets of minutes begin even. */
const START_MS = 60_000_000;

export class Judge {
  #nowMs = START_MS;
  #memory = freshMemory(START_MS);
  verdict: GpuVerdict = verdictOf(this.#memory, null, START_MS);
  readonly #kind: GpuKind;

  constructor(kind: GpuKind) {
    this.#kind = kind;
  }

  get codes(): string[] {
    return this.verdict.reasons.map(({ code }) => code);
  }

  /** A sample of one GPU under load, or of several, with these cells changed; five seconds pass before it. */
  sample(...gpus: Cells[]): GpuVerdict {
    const changes = gpus.length === 0 ? [{}] : gpus;
    return this.see({
      is: "sample",
      rows: changes.map((cells) => rowOf(this.#kind, { ...this.#kind.load, ...cells })),
    });
  }

  samples(count: number, ...gpus: Cells[]): GpuVerdict {
    for (let time = 0; time < count; time += 1) this.sample(...gpus);
    return this.verdict;
  }

  fail(code: FailureCode, detail = "It failed."): GpuVerdict {
    return this.see({ is: "failure", failure: { code, detail } });
  }

  see(observation: Observation): GpuVerdict {
    this.pass(5_000);
    this.#memory = observe(this.#memory, observation, this.#nowMs);
    const before = this.verdict;
    this.verdict = GpuVerdict.parse(verdictOf(this.#memory, before, this.#nowMs));
    return this.verdict;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }
}

/** A second GPU beside the first. */
export const SECOND: Cells = { index: "1", uuid: "GPU-00000001-0000-0000-0000-000000000001" };
