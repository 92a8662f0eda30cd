import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createSpanExporter,
  type SendResult,
  type SpanExporterOptions,
} from "../../../../contracts/telemetry/span-exporter.ts";
import type { Span } from "../../../../contracts/telemetry/span.ts";
import { newTrace } from "../../../../contracts/telemetry/trace-context.ts";

function span(name: string, sampled = true): Span {
  const context = { ...newTrace(), sampled };
  return { context, parentSpanId: null, name, kind: "internal", startMs: 1, endMs: 2, error: null, attributes: {} };
}

const AGAIN: SendResult = { status: "again", reason: "status 503" };
const TAKEN: SendResult = { status: "taken" };

function bench(answers: SendResult[], options: Partial<SpanExporterOptions> = {}) {
  const sent: string[][] = [];
  const seen = { exported: 0, dropped: 0, failing: [] as string[] };
  const exporter = createSpanExporter({
    send: (spans) => {
      sent.push(spans.map(({ name }) => name));
      return Promise.resolve(answers.shift() ?? TAKEN);
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => 1,
    onExported: (spans) => void (seen.exported += spans),
    onDropped: (spans) => void (seen.dropped += spans),
    onFailing: (reason) => seen.failing.push(reason),
    delayMs: 100,
    ...options,
  });
  return { exporter, sent, seen };
}

describe("createSpanExporter()", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("sends what came within the delay together, and nothing at once", async () => {
    const { exporter, sent, seen } = bench([]);
    exporter.record(span("a"));
    exporter.record(span("b"));
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual([["a", "b"]]);
    expect(seen).toEqual({ exported: 2, dropped: 0, failing: [] });
  });

  it("sends nothing of a trace that is not sampled", async () => {
    const { exporter, sent, seen } = bench([]);
    exporter.record(span("a", false));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([]);
    expect(seen.dropped).toBe(0);
  });

  it("tries a batch again, says once that it fails, and gives it up after its tries", async () => {
    const { exporter, sent, seen } = bench([AGAIN, AGAIN, AGAIN], { tries: 3 });
    exporter.record(span("a"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([["a"], ["a"], ["a"]]);
    expect(seen).toEqual({ exported: 0, dropped: 1, failing: ["status 503"] });
    exporter.record(span("b"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toMatchObject({ exported: 1, dropped: 1 });
  });

  it("does not repeat what was refused", async () => {
    const { exporter, sent, seen } = bench([{ status: "refused", reason: "status 400" }]);
    exporter.record(span("a"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
    expect(seen.dropped).toBe(1);
  });

  it("drops and counts what finds no room while a collector hangs, and goes on with the rest", async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const sent: number[] = [];
    const { exporter, seen } = bench([], {
      maxQueued: 10,
      maxBatch: 4,
      send: (spans) => sent.push(spans.length) === 1 ? hanging.promise : Promise.resolve(TAKEN),
    });
    exporter.record(span("first"));
    await vi.advanceTimersByTimeAsync(100);
    for (let n = 0; n < 25; n += 1) exporter.record(span(`more ${n}`));
    expect(seen.dropped).toBe(15);
    hanging.resolve(TAKEN);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([1, 4, 4, 2]);
    expect(seen.exported).toBe(11);
  });

  it("sends what waits when it stops, and takes nothing more", async () => {
    const { exporter, sent, seen } = bench([]);
    exporter.record(span("a"));
    await exporter.stop(1_000);
    exporter.record(span("late"));
    expect(sent).toEqual([["a"]]);
    expect(seen).toMatchObject({ exported: 1, dropped: 1 });
  });
});

describe("createSpanExporter().stop()", () => {
  it("ends at its deadline beside a collector that never answers", async () => {
    const send: SpanExporterOptions["send"] = (_spans, signal) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve({ status: "again", reason: "late" })));
    const { exporter, seen } = bench([], { send, delayMs: 1, maxBatch: 1 });
    exporter.record(span("a"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    exporter.record(span("b"));
    const startedMs = performance.now();
    await exporter.stop(100);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(seen.dropped).toBeGreaterThanOrEqual(1);
  });
});
