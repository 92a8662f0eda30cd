import { describe, expect, it, vi } from "vitest";
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
  it.each([2 ** 31 - 1, 2 ** 31, 1e12, Infinity])("after() calls nothing back within 30 of %d ms", async (ms) => {
    const then = vi.fn();
    const callOff = systemClock().after(ms, then);
    await new Promise((resolve) => setTimeout(resolve, 30));
    callOff();
    expect(then).not.toHaveBeenCalled();
  });

  it("after() calls back once, and not at all when it was called off", async () => {
    const then = vi.fn();
    systemClock().after(1, then);
    const calledOff = vi.fn();
    const callOff = systemClock().after(1, calledOff);
    callOff();
    callOff();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(then).toHaveBeenCalledOnce();
    expect(calledOff).not.toHaveBeenCalled();
  });

  it.each([2 ** 31 - 1, 2 ** 31, 1e12, Infinity])("sleep() of %d ms does not end at once", async (ms) => {
    expect(await isAsleep(ms)).toBe(true);
  });

  it("sleep() ends in time, and at once when its signal is aborted", async () => {
    expect(await isAsleep(1)).toBe(false);
    await systemClock().sleep(1e9, AbortSignal.abort());
  });
});
