/** The span of giving an attempt to its pod: what the agent does with it belongs below. */
import type { AttemptId } from "../../contracts/ids.ts";
import type { RecordSpan } from "../../contracts/telemetry/span.ts";
import { childOf, newTrace, parseTraceparent, type TraceContext } from "../../contracts/telemetry/trace-context.ts";
import type { LivePod } from "../pods/port.ts";
import type { JobRow } from "../store/job-store.ts";
import type { Clock } from "../time/clock.ts";

export interface DispatchSpanDeps {
  clock: Clock;
  /** Null or absent: spans go nowhere. */
  record?: RecordSpan | null;
}

export interface DispatchSpan {
  context: TraceContext;
  /** @param error why the pod has not got it; null where it has */
  end(error: string | null): void;
}

/** Whose work a log line is about, before there is an attempt. */
export function unitOf({ id, tenantId, traceparent }: JobRow): Record<string, unknown> {
  return { job: id, tenant: tenantId, trace_id: parseTraceparent(traceparent)?.traceId ?? null };
}

export function beginDispatch(
  { clock, record }: DispatchSpanDeps,
  { job, attemptId, no, pod }: { job: JobRow; attemptId: AttemptId; no: number; pod: LivePod },
): DispatchSpan {
  const submitted = parseTraceparent(job.traceparent);
  const context = submitted === null ? newTrace() : childOf(submitted);
  const startMs = clock.nowMs();
  const startedMs = clock.monotonicMs();
  return {
    context,
    end(error) {
      record?.({
        context,
        parentSpanId: submitted?.spanId ?? null,
        name: "attempt.start",
        kind: "client",
        startMs,
        endMs: startMs + clock.monotonicMs() - startedMs,
        error,
        attributes: {
          "comfyfleet.job": job.id,
          "comfyfleet.tenant": job.tenantId,
          "comfyfleet.attempt": attemptId,
          "comfyfleet.attempt_no": no,
          "comfyfleet.pod": pod.id,
        },
      });
    },
  };
}
