// The trace of an attempt: what ComfyUI is given of it, and what spans are made at its end.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordAttempt, unitOf } from "../../../../agent/attempts/attempt-trace.ts";
import type { Span } from "../../../../contracts/telemetry/span.ts";
import { parseTraceparent } from "../../../../contracts/telemetry/trace-context.ts";
import { POD_ID, ServiceBench, SUCCEEDED } from "./service-bench.ts";

const TRACE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true };

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

function spansOf(record: ServiceBench["ended"][number]): Span[] {
  const spans: Span[] = [];
  recordAttempt((span) => void spans.push(span), record, POD_ID);
  return spans;
}

describe("an attempt's trace", () => {
  it("reaches ComfyUI with a span of the attempt's own, and the spans of its end name the same", async () => {
    const { attemptId, promptId, jobId } = await bench.accept({}, TRACE);
    const prompt = parseTraceparent(bench.comfy.submitted[0]?.traceparent);
    expect(prompt).toMatchObject({ traceId: TRACE.traceId, sampled: true });
    expect(prompt?.spanId).not.toBe(TRACE.spanId);
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
    const [record] = bench.ended;
    if (record === undefined) throw new Error("nobody was told of the end");
    expect(bench.ended).toHaveLength(1);
    expect(unitOf(record, POD_ID)).toEqual({
      job: jobId,
      attempt: attemptId,
      no: 1,
      pod: POD_ID,
      trace_id: TRACE.traceId,
    });
    const [whole, ...parts] = spansOf(record);
    expect(whole).toMatchObject({ name: "attempt", context: prompt, parentSpanId: TRACE.spanId, error: null });
    expect(parts.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual(
      ["attempt.stage", "attempt.execute", "attempt.collect"].map((name) => [name, prompt?.spanId]),
    );
    const times = parts.flatMap(({ startMs, endMs }) => [startMs, endMs]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("is the same after a restart of the agent", async () => {
    const { attemptId, promptId } = await bench.accept({}, TRACE);
    bench.restart();
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
    expect(bench.ended.map(({ traceparent }) => traceparent?.split("-")[1])).toEqual([TRACE.traceId]);
    const given = parseTraceparent(bench.comfy.submitted[0]?.traceparent);
    expect(spansOf(bench.ended[0] as ServiceBench["ended"][number])[0]?.context).toEqual(given);
  });

  it("is a new one where the order came without", async () => {
    await bench.accept();
    expect(bench.comfy.submitted[0]?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("ends with what went wrong, and has no part that never began", async () => {
    bench.comfy.submission = () => ({ status: "refused", error: { code: "invalid_workflow", message: "Cannot" } });
    const { attemptId } = await bench.accept({}, TRACE);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed" });
    const spans = spansOf(bench.ended[0] as ServiceBench["ended"][number]);
    expect(spans.map(({ name, error }) => [name, error])).toEqual([
      ["attempt", "invalid_workflow"],
      ["attempt.stage", null],
    ]);
  });
});
