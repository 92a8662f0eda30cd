/** An attempt as a span of its job's trace. Its id follows from the prompt id, so that a restarted agent names the same. */
import { isAttemptFinal } from "../../contracts/attempt.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { RecordSpan, Span } from "../../contracts/telemetry/span.ts";
import {
  childOf,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from "../../contracts/telemetry/trace-context.ts";
import type { AttemptRecord } from "./record.ts";

type Traced = Pick<AttemptRecord, "promptId" | "traceparent">;

function contextOf({ promptId, traceparent }: Traced): TraceContext | null {
  const order = parseTraceparent(traceparent);
  // The last 64 bits of a UUID: 62 of them are random.
  return order && { ...order, spanId: promptId.replaceAll("-", "").slice(16) };
}

/** What ComfyUI is given with the prompt; null without a trace. */
export function traceparentOf(record: Traced): string | null {
  const context = contextOf(record);
  return context && formatTraceparent(context);
}

/** What every log line of the attempt says of whose work it is. */
export function unitOf(record: Traced & Pick<AttemptRecord, "order">, podId: PodId | null): Record<string, unknown> {
  const { jobId, attemptId, no } = record.order;
  return { job: jobId, attempt: attemptId, no, pod: podId, trace_id: contextOf(record)?.traceId ?? null };
}

/** The spans of an attempt that is over: itself, and its parts as far as it came. */
export function recordAttempt(record: RecordSpan, attempt: Readonly<AttemptRecord>, podId: PodId | null): void {
  const { state, order, acceptedAtMs, startedAtMs, executedAtMs, finishedAtMs } = attempt;
  const context = contextOf(attempt);
  if (context === null || finishedAtMs === null || !isAttemptFinal(state)) return;
  const shared: Pick<Span, "kind" | "attributes"> = {
    kind: "internal",
    attributes: {
      "comfyfleet.job": order.jobId,
      "comfyfleet.attempt": order.attemptId,
      "comfyfleet.attempt_no": order.no,
      ...(podId === null ? {} : { "comfyfleet.pod": podId }),
    },
  };
  const part = (name: string, startMs: number | null, endMs: number | null) => {
    if (startMs === null) return;
    const parentSpanId = context.spanId;
    record({
      ...shared,
      context: childOf(context),
      parentSpanId,
      name,
      startMs,
      endMs: endMs ?? finishedAtMs,
      error: null,
    });
  };
  record({
    ...shared,
    attributes: { ...shared.attributes, "comfyfleet.state": state, "comfyfleet.outputs": attempt.outputs.length },
    kind: "server",
    context,
    parentSpanId: parseTraceparent(attempt.traceparent)?.spanId ?? null,
    name: "attempt",
    startMs: acceptedAtMs,
    endMs: finishedAtMs,
    error: attempt.error?.code ?? (state === "lost" ? state : null),
  });
  part("attempt.stage", acceptedAtMs, startedAtMs);
  part("attempt.execute", startedAtMs, executedAtMs);
  part("attempt.collect", executedAtMs, finishedAtMs);
}
