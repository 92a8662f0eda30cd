/** The one log line of a finished attempt, beside whose work it is. */
import type { AttemptRecord } from "./record.ts";

function between(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : toMs - fromMs;
}

export function summaryOf(record: AttemptRecord): Record<string, unknown> {
  return {
    prompt: record.promptId,
    generation: record.generationId,
    state: record.state,
    nodes: Object.keys(record.order.workflow).length,
    inputs: record.order.inputs.length,
    outputs: record.outputs.length,
    outputBytes: record.outputs.reduce((sum, output) => sum + output.sizeBytes, 0),
    cached: record.cached,
    cancelRequested: record.cancelRequested,
    postMs: between(record.acceptedAtMs, record.startedAtMs),
    executeMs: between(record.startedAtMs, record.executedAtMs),
    collectMs: between(record.executedAtMs, record.finishedAtMs),
    totalMs: between(record.acceptedAtMs, record.finishedAtMs),
    ...(record.error === null ? {} : { code: record.error.code, error: record.error.message }),
  };
}
