// Versions of jobs that are not offered again for a while.
import { expect, it } from "vitest";
import { createSettledVersions } from "../../../../proxy/scheduler/settled-versions.ts";
import { jobId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";

it("keeps a version for its time, also one that settled again while an older one's time had not passed", () => {
  const clock = createManualClock();
  const settled = createSettledVersions(clock, 1_000);
  settled.add(jobId(1), 1);
  clock.skip(100);
  settled.add(jobId(2), 1);
  clock.skip(500);
  settled.add(jobId(1), 2);
  expect(settled.has(jobId(1), 1)).toBe(false);
  clock.skip(400);
  settled.forget();
  expect([settled.has(jobId(1), 2), settled.has(jobId(2), 1)]).toEqual([true, true]);
  clock.skip(100);
  settled.forget();
  expect([settled.has(jobId(1), 2), settled.has(jobId(2), 1)]).toEqual([true, false]);
  clock.skip(499);
  settled.forget();
  expect(settled.has(jobId(1), 2)).toBe(true);
  clock.skip(1);
  settled.forget();
  expect(settled.has(jobId(1), 2)).toBe(false);
});
