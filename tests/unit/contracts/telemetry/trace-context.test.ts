import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  childOf,
  formatTraceparent,
  newTrace,
  parseTraceparent,
  traceIdOf,
} from "../../../../contracts/telemetry/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("parseTraceparent()", () => {
  it("reads the three fields", () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: false });
  });

  it("reads a later version by the fields that every version has", () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.traceId).toBe(TRACE);
  });

  it.each([
    null,
    undefined,
    "",
    "nonsense",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `01-${TRACE}-${SPAN}-01-${"x".repeat(1_000)}`,
  ])("takes %s for none", (value) => {
    expect(parseTraceparent(value)).toBeNull();
    expect(traceIdOf(value ?? null)).toBeNull();
  });

  it("never throws, and what it reads is written the same", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const read = parseTraceparent(text);
      if (read !== null) expect(parseTraceparent(formatTraceparent(read))).toEqual(read);
    }));
  });
});

describe("newTrace() and childOf()", () => {
  it("make contexts that read back, and differ", () => {
    const traces = Array.from({ length: 100 }, newTrace);
    for (const trace of traces) expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(100);
  });

  it("keep the trace and its sampling in a child, with a span of its own", () => {
    const parent = { traceId: TRACE, spanId: SPAN, sampled: false };
    const child = childOf(parent);
    expect(child).toMatchObject({ traceId: TRACE, sampled: false });
    expect(child.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(child.spanId).not.toBe(SPAN);
  });
});
