import { describe, expect, it } from "vitest";
import type { Span } from "../../../../contracts/telemetry/span.ts";
import { createEdgeMetrics } from "../../../../proxy/telemetry/edge-metrics.ts";
import { observedStore } from "../../../../proxy/telemetry/observed-store.ts";
import { parsePrometheus, sample } from "../../../support/telemetry/prometheus.ts";
import { memoryStore } from "../store/memory-store.ts";
import { sampleError, sampleJob, sampleReceipt } from "../store/samples.ts";

async function bench() {
  const t = await memoryStore();
  const metrics = createEdgeMetrics();
  const spans: Span[] = [];
  const store = observedStore(t.store, { metrics, record: (span) => void spans.push(span) });
  const value = (key: string) => sample(parsePrometheus(metrics.text()), `comfyfleet_${key}`);
  return { t, store, spans, value, [Symbol.asyncDispose]: () => t.store.close() };
}

describe("observedStore()", () => {
  it("counts a submit once, however often it is repeated", async () => {
    await using b = await bench();
    const job = sampleJob(b.t.tenantId, { idempotency: { space: "trpc", key: "k" } });
    await b.store.submitJob(job);
    await b.store.submitJob(sampleJob(b.t.tenantId, { idempotency: { space: "trpc", key: "k" } }));
    expect(b.value("jobs_submitted_total")).toBe(1);
  });

  it("counts an end once, when two tell of it, with its times", async () => {
    await using b = await bench();
    const { id: jobId } = await b.t.submit();
    const no = await b.t.start(jobId);
    const result = { jobId, no, outputs: [], assets: [], receipt: sampleReceipt };
    await b.store.completeJob(result);
    await b.store.completeJob(result);
    await b.store.failJob({ jobId, no, error: sampleError, receipt: null });
    expect(b.value('jobs_total{status="succeeded"}')).toBe(1);
    expect(b.value('jobs_total{status="failed"}')).toBe(0);
    expect(b.value('attempts_total{outcome="succeeded"}')).toBe(1);
    expect(b.value("job_queue_seconds_sum")).toBe(0.001);
    expect(b.value("job_execution_seconds_sum")).toBe(0.003);
    expect(b.value("job_collect_seconds_sum")).toBe(0.009);
    expect(b.value("output_bytes_total")).toBe(0);
  });

  it("counts a lost attempt whose job goes on, and an expired lease by itself", async () => {
    await using b = await bench();
    const { id: jobId } = await b.t.submit();
    const loss = { jobId, countLoss: true, retryInMs: 0, maxLosses: 1 };
    await b.store.loseAttempt({ ...loss, no: await b.t.start(jobId), reason: "comfy_lost" });
    await b.store.loseAttempt({ ...loss, no: await b.t.start(jobId), reason: "pod_lost" });
    expect(b.value('attempts_total{outcome="lost"}')).toBe(2);
    expect(b.value("lease_expired_total")).toBe(1);
    expect(b.value('jobs_total{status="failed"}')).toBe(1);
  });

  it("counts what a pod gave back as no loss", async () => {
    await using b = await bench();
    const { id: jobId } = await b.t.submit();
    const no = await b.t.assign(jobId);
    await b.store.loseAttempt({ jobId, no, reason: "slot_busy", countLoss: false, retryInMs: 0, maxLosses: 0 });
    expect(b.value('attempts_total{outcome="given_back"}')).toBe(1);
    expect(b.value('jobs_total{status="failed"}')).toBe(0);
  });

  it("counts cancels and expiries", async () => {
    await using b = await bench();
    const { tenantId } = b.t;
    const queued = await b.t.submit();
    await b.store.cancelJob({ tenantId, jobId: queued.id });
    const running = await b.t.submit();
    const no = await b.t.start(running.id);
    await b.store.cancelJob({ tenantId, jobId: running.id });
    expect(b.value('jobs_total{status="canceled"}')).toBe(1);
    await b.store.confirmCanceled({ jobId: running.id, no });
    expect(b.value('jobs_total{status="canceled"}')).toBe(2);
    expect(b.value('attempts_total{outcome="canceled"}')).toBe(1);
    await b.t.submit({ startWithinMs: 1_000 });
    b.t.time.nowMs += 1_000;
    await b.store.expireJobs(100);
    expect(b.value('jobs_total{status="expired"}')).toBe(1);
  });

  it("makes a span of an ended job, below its submit", async () => {
    await using b = await bench();
    const { id: jobId, traceparent } = await b.t.submit();
    const no = await b.t.start(jobId);
    b.t.time.nowMs += 500;
    await b.store.failJob({ jobId, no, error: sampleError, receipt: null });
    const [, traceId, spanId] = traceparent?.split("-") ?? [];
    expect(b.spans).toEqual([expect.objectContaining({
      name: "job",
      context: { traceId, sampled: true, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) },
      parentSpanId: spanId,
      startMs: 1_000_000,
      endMs: 1_000_500,
      error: sampleError.code,
    })]);
  });
});
