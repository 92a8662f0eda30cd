/** What judging remembers between two looks at the GPUs. Values; `observe.ts` makes a new one of the old. */
import type { SlowMinute } from "./slowdown-minutes.ts";
import type { ReasonCode } from "./reasons.ts";

export interface HeldReason {
  code: ReasonCode;
  gpu: string | null;
  detail: string;
  /** Whether it counts now; one that went keeps its first time and count, should it come again. */
  present: boolean;
  firstSeenMs: number;
  /** When it came this time. */
  cameMs: number;
  lastSeenMs: number;
  /** How often it has come. */
  count: number;
  /** Good samples in a row since it was last seen. */
  samplesSince: number;
}

/** Of one GPU. */
export interface GpuHistory {
  /** The counter as it was last read; null while it never was. */
  eccUncorrected: number | null;
  minutes: readonly SlowMinute[];
}

/** A CUDA context that broke under a job. */
export interface WorkFault {
  atMs: number;
  jobId: string;
}

export interface HealthMemory {
  /** By code and GPU. */
  reasons: ReadonlyMap<string, HeldReason>;
  /** Looks in a row that showed a finding, by the same key. */
  streaks: ReadonlyMap<string, number>;
  histories: ReadonlyMap<string, GpuHistory>;
  /** Every GPU that was ever seen, with the words for it. */
  seen: ReadonlyMap<string, string>;
  faults: readonly WorkFault[];
  /** When a job last succeeded; null: never. */
  lastSuccessMs: number | null;
}

export function keyOf({ code, gpu }: { code: ReasonCode; gpu: string | null }): string {
  return `${code} ${gpu ?? ""}`;
}

/** Before the first look. */
export function freshMemory(nowMs: number): HealthMemory {
  const starting: HeldReason = {
    code: "probe_starting",
    gpu: null,
    detail: "nvidia-smi has said nothing yet.",
    present: true,
    firstSeenMs: nowMs,
    cameMs: nowMs,
    lastSeenMs: nowMs,
    count: 1,
    samplesSince: 0,
  };
  return {
    reasons: new Map([[keyOf(starting), starting]]),
    streaks: new Map(),
    histories: new Map(),
    seen: new Map(),
    faults: [],
    lastSuccessMs: null,
  };
}
