import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import { preferredWaitMs } from "../../../../../proxy/http/v2/prefer.ts";
import { createRateLimit } from "../../../../../proxy/http/v2/rate-limit.ts";
import { createStreamSlots } from "../../../../../proxy/http/v2/stream-slots.ts";
import { createManualClock } from "../../jobs/manual-clock.ts";
import { tenantId } from "../../jobs/ids.ts";

/** How many of `count` are taken, and when the first that is not may come again. */
function takeAll(take: () => void, count: number): { taken: number; retryAfterMs: number | null } {
  for (let taken = 0; taken < count; taken++) {
    try {
      take();
    } catch (error) {
      if (!FleetError.is(error)) throw error;
      expect(error.status).toBe(429);
      return { taken, retryAfterMs: error.retryAfterMs };
    }
  }
  return { taken: count, retryAfterMs: null };
}

describe("createRateLimit", () => {
  it("lets twice a second's requests through at once, then as many as come back", () => {
    const clock = createManualClock();
    const limit = createRateLimit({ perSecond: 10, clock });
    const one = () => limit.take(tenantId(1));
    expect(takeAll(one, 100)).toEqual({ taken: 20, retryAfterMs: 100 });
    clock.skip(50);
    expect(takeAll(one, 100)).toEqual({ taken: 0, retryAfterMs: 50 });
    clock.skip(50);
    expect(takeAll(one, 100).taken).toBe(1);
    clock.skip(1_000);
    expect(takeAll(one, 100).taken).toBe(10);
    clock.skip(3_600_000);
    expect(takeAll(one, 100).taken).toBe(20);
  });

  it("counts each tenant for itself, also past the sweep of thousands", () => {
    const clock = createManualClock();
    const limit = createRateLimit({ perSecond: 1, clock });
    for (let n = 0; n < 3_000; n++) expect(takeAll(() => limit.take(tenantId(n)), 5).taken).toBe(2);
    expect(takeAll(() => limit.take(tenantId(1)), 5).taken).toBe(0);
    clock.skip(10_000);
    for (let n = 0; n < 3_000; n++) expect(takeAll(() => limit.take(tenantId(n)), 5).taken).toBe(2);
  });
});

describe("createStreamSlots", () => {
  it("gives a tenant so many, and one more for each that is given back, however often", () => {
    const slots = createStreamSlots(2);
    const first = slots.take(tenantId(1));
    slots.take(tenantId(1));
    expect(takeAll(() => slots.take(tenantId(1)), 1)).toEqual({ taken: 0, retryAfterMs: 2_000 });
    expect(takeAll(() => slots.take(tenantId(2)), 9).taken).toBe(2);
    first.free();
    first.free();
    expect(takeAll(() => slots.take(tenantId(1)), 9).taken).toBe(1);
  });
});

describe("preferredWaitMs", () => {
  it.each([
    ["wait=0", 0],
    ["wait=10", 10_000],
    ['respond-async, wait="7"; foo', 7_000],
    ["WAIT = 3", 3_000],
    ["wait=25", 25_000],
    ["wait=999999", 25_000],
    ["wait=3, wait=9", 3_000],
    [null, null],
    ["", null],
    ["wait", null],
    ["wait=", null],
    ["wait=-1", null],
    ["wait=1.5", null],
    ["wait=1e3", null],
    ["await=1", null],
    ["wait=99999999999", null],
  ])("reads %j as %j", (header, waitMs) => {
    expect(preferredWaitMs(header)).toBe(waitMs);
  });
});
