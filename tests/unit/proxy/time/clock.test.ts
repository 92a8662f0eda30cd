import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../proxy/time/clock.ts";

async function isAsleep(ms: number): Promise<boolean> {
  const stop = new AbortController();
  let awake = false;
  const sleeping = systemClock().sleep(ms, stop.signal).then(() => {
    awake = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  const asleep = !awake;
  stop.abort();
  await sleeping;
  return asleep;
}

describe("systemClock()", () => {
  it.each([2 ** 31 - 1, 2 ** 31, 1e12, Infinity])("sleep() of %d ms does not end at once", async (ms) => {
    expect(await isAsleep(ms)).toBe(true);
  });

  it("sleep() ends in time, and at once when its signal is aborted", async () => {
    expect(await isAsleep(1)).toBe(false);
    await systemClock().sleep(1e9, AbortSignal.abort());
  });
});
