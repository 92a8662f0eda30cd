/**
 * One look at the GPUs, and what was remembered, to what is to be remembered: streaks before a reason comes, holds before
 * it goes. Pure.
 */
import type { ProbeFailure } from "../smi/failure.ts";
import type { Row } from "../smi/parse-row.ts";
import { type GpuHistory, type HealthMemory, type HeldReason, keyOf } from "./memory.ts";
import { FAULT_WINDOW_MS, faultFinding, withFault } from "./read-faults.ts";
import { findingOf, patienceWith } from "./read-failure.ts";
import { findingsOf, gpuKey } from "./read-sample.ts";
import { type Finding, HOLD_MS, HOLD_SAMPLES, ruleOf } from "./reasons.ts";
import { isSustained, withSlowdowns } from "./slowdown-minutes.ts";

export type Observation =
  | { is: "sample"; rows: readonly Row[] }
  | { is: "failure"; failure: ProbeFailure }
  /** ComfyUI's CUDA context broke under this job. */
  | { is: "work_fault"; jobId: string }
  | { is: "work_success" };

/** How long hardware must have slowed the GPU down before that counts as severe. */
const SEVERE_AFTER_MS = 30 * 60_000;

export function observe(memory: HealthMemory, seen: Observation, nowMs: number): HealthMemory {
  switch (seen.is) {
    case "sample":
      return afterSample(memory, seen.rows, nowMs);
    case "failure":
      return afterFailure(memory, seen.failure, nowMs);
    case "work_fault": {
      const faults = withFault(memory.faults, { atMs: nowMs, jobId: seen.jobId });
      return afterWork({ ...memory, faults }, nowMs);
    }
    case "work_success":
      return afterWork({ ...memory, lastSuccessMs: nowMs }, nowMs);
  }
}

function afterSample(memory: HealthMemory, rows: readonly Row[], nowMs: number): HealthMemory {
  const histories = new Map(memory.histories);
  const seen = new Map(memory.seen);
  const found: Finding[] = [];
  for (const row of rows) {
    const gpu = gpuKey(row.reading);
    found.push(...findingsOf(row, rows.length));
    const before = histories.get(gpu) ?? { eccUncorrected: null, minutes: [] };
    const after = withReading(before, row, nowMs);
    histories.set(gpu, after);
    found.push(...historyFindings(memory, { row, before, after, nowMs }));
    if (row.reading.uuid !== null) seen.set(gpu, `GPU ${row.reading.index ?? "?"} (${row.reading.name ?? gpu})`);
  }
  const shown = new Set(rows.map(({ reading }) => gpuKey(reading)));
  for (const [gpu, words] of seen) {
    if (!shown.has(gpu)) found.push({ code: "gpu_missing", gpu, detail: `${words} is no longer there.` });
  }
  // With fewer GPUs than before the driver itself works; a sample of none at all does not come here.
  const reasons = release(memory, new Set(found.map(keyOf)), nowMs);
  const streaks = new Map(found.map((one) => [keyOf(one), (memory.streaks.get(keyOf(one)) ?? 0) + 1]));
  return withFindings({ ...memory, reasons, streaks, histories, seen }, found, nowMs);
}

function withReading(before: GpuHistory, { reading }: Row, nowMs: number): GpuHistory {
  return {
    eccUncorrected: reading.eccUncorrected ?? before.eccUncorrected,
    minutes: withSlowdowns(before.minutes, reading, nowMs),
  };
}

interface Looked {
  row: Row;
  before: GpuHistory;
  after: GpuHistory;
  nowMs: number;
}

/** What only a comparison with earlier samples shows. */
function historyFindings(memory: HealthMemory, { row, before, after, nowMs }: Looked): Finding[] {
  const gpu = gpuKey(row.reading);
  const name = `GPU ${row.reading.index ?? "?"}${row.reading.name === null ? "" : ` (${row.reading.name})`}`;
  const found: Finding[] = [];
  const errors = row.reading.eccUncorrected;
  // A counter that falls was started anew with the driver.
  if (errors !== null && before.eccUncorrected !== null && errors > before.eccUncorrected) {
    found.push({ code: "ecc_uncorrected", gpu, detail: `${name} has had memory errors that ECC could not correct.` });
  }
  if (isSustained(after.minutes, "software")) {
    found.push({
      code: "sw_thermal_slowdown",
      gpu,
      detail: `${name} is slowed down by its driver, because it is hot.`,
    });
  }
  if (isSustained(after.minutes, "hardware")) {
    const detail = `${name} slows itself down: it is too hot, or its power supply is too weak.`;
    found.push({ code: "hw_slowdown", gpu, detail });
    const held = memory.reasons.get(keyOf({ code: "hw_slowdown", gpu }));
    const longEnough = held?.present === true && nowMs - held.cameMs >= SEVERE_AFTER_MS;
    if (longEnough && isSustained(after.minutes, "severe")) {
      const severe = `${name} has run at less than half of its clock for half an hour of slowing itself down.`;
      found.push({ code: "hw_slowdown_severe", gpu, detail: severe });
    }
  }
  return found;
}

function afterFailure(memory: HealthMemory, failure: ProbeFailure, nowMs: number): HealthMemory {
  const finding = findingOf(failure, memory.seen.size > 0);
  const key = keyOf(finding);
  const streaks = new Map(memory.streaks).set(key, (memory.streaks.get(key) ?? 0) + 1);
  const after = withFindings({ ...memory, streaks }, [finding], nowMs);
  return after.reasons.get(key)?.present ? { ...after, reasons: lastWord(after.reasons, key) } : after;
}

/** Why there is no sample is said once: by the failure that came last. */
function lastWord(reasons: HealthMemory["reasons"], last: string): HealthMemory["reasons"] {
  return new Map([...reasons].map(([key, held]) => {
    const isOld = key !== last && ruleOf(held.code).hold === "next_sample";
    return [key, isOld ? { ...held, present: false } : held];
  }));
}

function afterWork(memory: HealthMemory, nowMs: number): HealthMemory {
  const finding = faultFinding(memory.faults, { nowMs, lastSuccessMs: memory.lastSuccessMs });
  const codes = ["cuda_faults", "cuda_faults_lasting"] as const;
  const reasons = new Map(memory.reasons);
  for (const code of codes) {
    const held = reasons.get(keyOf({ code, gpu: null }));
    if (held && finding?.code !== code) reasons.set(keyOf(held), { ...held, present: false });
  }
  return withFindings({ ...memory, reasons }, finding === null ? [] : [finding], nowMs);
}

/** Takes up findings that were seen often enough in a row. */
function withFindings(memory: HealthMemory, found: readonly Finding[], nowMs: number): HealthMemory {
  const reasons = new Map(memory.reasons);
  for (const finding of found) {
    const key = keyOf(finding);
    const held = reasons.get(key);
    if (held?.present) {
      reasons.set(key, { ...held, lastSeenMs: nowMs, samplesSince: 0 });
      continue;
    }
    const needed = Math.max(ruleOf(finding.code).after ?? 1, patienceWith(finding.code, memory.seen.size > 0));
    if ((memory.streaks.get(key) ?? needed) < needed) continue;
    reasons.set(key, comes(finding, held, nowMs));
  }
  return { ...memory, reasons };
}

function comes(finding: Finding, before: HeldReason | undefined, nowMs: number): HeldReason {
  return {
    ...finding,
    present: true,
    firstSeenMs: before?.firstSeenMs ?? nowMs,
    cameMs: nowMs,
    lastSeenMs: nowMs,
    count: (before?.count ?? 0) + 1,
    samplesSince: 0,
  };
}

/** After a good sample: what was not in it goes, once its hold is over. */
function release(memory: HealthMemory, shown: ReadonlySet<string>, nowMs: number): Map<string, HeldReason> {
  return new Map([...memory.reasons].map(([key, held]) => {
    if (!held.present || shown.has(key)) return [key, held];
    const samplesSince = held.samplesSince + 1;
    return [key, { ...held, samplesSince, present: !isOver({ ...held, samplesSince }, nowMs) }];
  }));
}

function isOver(held: HeldReason, nowMs: number): boolean {
  switch (ruleOf(held.code).hold) {
    case "never":
      return false;
    case "minutes":
      return nowMs - held.lastSeenMs >= (held.code.startsWith("cuda_faults") ? FAULT_WINDOW_MS : HOLD_MS);
    case "samples":
      return held.samplesSince >= HOLD_SAMPLES;
    case "next_sample":
      return true;
  }
}
