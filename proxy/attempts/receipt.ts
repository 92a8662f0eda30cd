/**
 * The receipt of a finished job. Pure. Two clocks meet here, the store's and the agent's, which are never compared: what
 * happens inside the agent is measured by its own times, everything else by the store's, and the two are made to add up.
 */
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { JobTiming, Receipt } from "../../contracts/receipt.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { AttemptRow, JobRow } from "../store/job-store.ts";
import type { Needs } from "../store/new-job.ts";
import type { PodRow } from "../store/pod-store.ts";
import { gpuName } from "./gpu-name.ts";

export interface ReceiptFacts {
  job: JobRow;
  /** The attempt that ended the job. */
  attempt: AttemptRow;
  report: AttemptReport;
  /** How many attempts the job has had. */
  attempts: number;
  pod: PodRow | null;
  models: Needs["models"];
  /** The store's time of the end, epoch ms. */
  nowMs: number;
}

/** Agent-side parts, by its own clock; a state it never reached takes no time, a clock that went back none either. */
function agentParts(report: AttemptReport): { stageMs: number; executeMs: number; collectMs: number } {
  const at = (time: string | null) => time === null ? null : Date.parse(time);
  const accepted = Date.parse(report.acceptedAt);
  const started = Math.max(accepted, at(report.startedAt) ?? accepted);
  const end = at(report.finishedAt) ?? started;
  // A run that failed has no end of execution but the end of everything; one that never started did not execute.
  const executed = Math.max(started, at(report.executedAt) ?? (report.startedAt === null ? started : end));
  const finished = Math.max(executed, end);
  return { stageMs: started - accepted, executeMs: executed - started, collectMs: finished - executed };
}

/** How the job's wall time was spent; all parts at least 0, and `totalMs` is the sum of those that are known. */
export function jobTiming(facts: Pick<ReceiptFacts, "job" | "attempt" | "report" | "nowMs">): JobTiming {
  const { job, attempt, report } = facts;
  const totalMs = Math.max(0, facts.nowMs - job.createdAtMs);
  const queueMs = Math.min(Math.max(0, attempt.offeredAtMs - job.createdAtMs), totalMs);
  const runMs = totalMs - queueMs;
  const parts = agentParts(report);
  const insideMs = parts.stageMs + parts.executeMs + parts.collectMs;
  // An agent's clock may run faster than ours; its parts then keep their proportions within the time that passed here.
  const scale = insideMs > runMs ? runMs / insideMs : 1;
  const outsideMs = Math.max(0, runMs - insideMs * scale);
  const offeredMs = attempt.startedAtMs === null ? 0 : attempt.startedAtMs - attempt.offeredAtMs;
  // The store heard of the start after the agent's wait for the slot, or never: the attempt was sent ahead.
  const stageMs = parts.stageMs * scale;
  const waitedMs = attempt.startedAtMs === null || offeredMs > outsideMs ? stageMs : 0;
  const callMs = Math.min(Math.max(0, offeredMs - waitedMs), outsideMs);
  return {
    queueMs: queueMs + waitedMs,
    assignMs: callMs + stageMs - waitedMs,
    executeMs: parts.executeMs * scale,
    modelLoadMs: null,
    collectMs: parts.collectMs * scale,
    storeMs: outsideMs - callMs,
    totalMs,
  };
}

export function buildReceipt(facts: ReceiptFacts): Receipt {
  const { job, attempt, report, pod } = facts;
  const capability = pod?.capability ?? null;
  const gpu = gpuName(capability?.devices ?? []);
  const timing = jobTiming(facts);
  return {
    graphSha256: attempt.graphSha256,
    service: job.service,
    pod: pod === null ? null : { id: pod.id, name: pod.name },
    comfyVersion: capability?.comfyVersion ?? null,
    agentVersion: capability?.agentVersion ?? null,
    objectInfoSha256: capability?.objectInfoSha256 ?? null,
    gpu,
    models: [...new Set(facts.models.map((model) => model.name))].map((name) => ({ name, sha256: null })),
    cached: report.cached,
    attempts: facts.attempts,
    losses: job.losses,
    gpuSeconds: gpu === null ? null : timing.executeMs / 1_000,
    traceId: traceIdOf(job.traceparent),
    timing,
  };
}
