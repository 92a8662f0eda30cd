import { describe, expect, it } from "vitest";
import { createBackoff } from "../../../../agent/comfy/backoff.ts";

function backoff(random: () => number) {
  return createBackoff({ baseMs: 500, maxMs: 60_000, stableAfterMs: 60_000, random });
}

describe("createBackoff()", () => {
  it("doubles up to the cap", () => {
    const waits = backoff(() => 1);
    expect(Array.from({ length: 9 }, () => waits.next(0)))
      .toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("stays within half and the whole of each wait", () => {
    const low = backoff(() => 0);
    expect([low.next(0), low.next(0)]).toEqual([250, 500]);
  });

  it("starts anew after a stable run and only then", () => {
    const waits = backoff(() => 1);
    waits.next(0);
    waits.next(0);
    expect(waits.next(59_999)).toBe(2_000);
    expect(waits.next(60_000)).toBe(500);
    expect(waits.failures).toBe(1);
  });

  it("stays finite for ever", () => {
    const waits = backoff(() => 1);
    for (let failure = 0; failure < 5_000; failure++) waits.next(0);
    expect(waits.next(0)).toBe(60_000);
  });
});
