/** What is remembered → the verdict: the worst reason's state, the strongest action. Pure. */
import { GpuAction, type GpuReason, type GpuState, type GpuVerdict } from "../../../contracts/agent/gpu.ts";
import { MAX_GPU_REASONS } from "../../../contracts/bounds.ts";
import { toTimestamp } from "../../../contracts/ids.ts";
import type { HealthMemory, HeldReason } from "./memory.ts";
import { ruleOf } from "./reasons.ts";

const SEVERITY: Readonly<Record<GpuState, number>> = { healthy: 0, unknown: 1, degraded: 2, unhealthy: 3 };
/** The weakest first. */
const ACTIONS = GpuAction.options;

function worstFirst(a: HeldReason, b: HeldReason): number {
  const [ours, theirs] = [ruleOf(a.code), ruleOf(b.code)];
  return SEVERITY[theirs.state] - SEVERITY[ours.state] ||
    ACTIONS.indexOf(theirs.action) - ACTIONS.indexOf(ours.action) || a.firstSeenMs - b.firstSeenMs;
}

function toReason({ code, gpu, detail, firstSeenMs, count }: HeldReason): GpuReason {
  return { code, gpu, detail, firstSeen: toTimestamp(firstSeenMs), count };
}

/** @param previous the verdict before this look; null at the start */
export function verdictOf(memory: HealthMemory, previous: GpuVerdict | null, nowMs: number): GpuVerdict {
  const held = [...memory.reasons.values()].filter(({ present }) => present).toSorted(worstFirst);
  const rules = held.map(({ code }) => ruleOf(code));
  const state: GpuState = rules[0]?.state ?? "healthy";
  const action = ACTIONS[Math.max(0, ...rules.map((rule) => ACTIONS.indexOf(rule.action)))] ?? "none";
  const nodeHint = rules.find((rule) => rule.nodeHint !== null)?.nodeHint ?? null;
  const reasons = held.slice(0, MAX_GPU_REASONS).map(toReason);
  const since = previous?.state === state ? previous.since : toTimestamp(nowMs);
  const verdict = { state, since, seq: previous?.seq ?? 0, reasons, action, nodeHint };
  if (previous === null || JSON.stringify(verdict) === JSON.stringify(previous)) return previous ?? verdict;
  return { ...verdict, seq: previous.seq + 1 };
}
