import { describe, expect, it } from "vitest";
import { jobId, podId } from "../jobs/ids.ts";
import { livePod, queued, setUpPlanner } from "./planner-fixture.ts";

const withKey = (n: number) => ({ ...queued(n), hasPartnerKey: true });
const old = (n: number) => livePod(n, { protocol: 1 });

async function planned(planner: ReturnType<typeof setUpPlanner>) {
  planner.planner.start();
  await planner.clock.advance(0);
  await planner.planner.stop();
  return planner.fleet.dispatches.map((one) => [one.jobId, one.podId]);
}

describe("a job with a partner key", () => {
  it("goes past pods with older agents, whose slots others take", async () => {
    const side = setUpPlanner();
    side.fleet.pods = [old(1), livePod(2)];
    side.fleet.queue = [withKey(1), queued(2)];
    expect(await planned(side)).toEqual([[jobId(1), podId(2)], [jobId(2), podId(1)]]);
  });

  it("waits where there is no other, holds nobody up, and says why", async () => {
    const side = setUpPlanner();
    side.fleet.pods = [old(1), old(2)];
    side.fleet.queue = [withKey(1), queued(2)];
    expect(await planned(side)).toEqual([[jobId(2), podId(1)]]);
    expect(side.planner.waitingFor(withKey(1))).toMatchObject({
      reason: "pods_not_ready",
      message: expect.stringMatching(/It has a partner key, and 2 pods run agents too old to take one\.$/),
    });
  });

  it("hides nobody behind it, however many there are, and says why all of them wait", async () => {
    const side = setUpPlanner({ queueLimit: 10 });
    side.fleet.pods = [old(1)];
    side.fleet.queue = [...Array.from({ length: 1_000 }, (_, n) => withKey(n + 1)), queued(1_001)];
    expect(await planned(side)).toEqual([[jobId(1_001), podId(1)]]);
    expect(side.fleet.reads).toBeLessThanOrEqual(2);
    const [first, last] = [1, 1_000].map((n) => side.planner.waitingFor(withKey(n)));
    expect(last).toMatchObject({
      reason: "pods_not_ready",
      message: expect.stringMatching(/1 pod runs an agent too old/),
    });
    expect(last).toEqual(first);
  });

  it("waits for a slot like any other where the agents are new", async () => {
    const side = setUpPlanner();
    side.fleet.queue = [queued(1), withKey(2)];
    expect(await planned(side)).toEqual([[jobId(1), podId(1)]]);
    expect(side.planner.waitingFor(withKey(2))).toMatchObject({ reason: "pods_busy" });
    expect(side.planner.waitingFor(withKey(2))?.message).not.toMatch(/partner key/);
  });
});
