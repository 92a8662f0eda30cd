import { afterEach, describe, expect, it } from "vitest";
import { jobId, podId } from "../jobs/ids.ts";
import { settle } from "../jobs/manual-clock.ts";
import { livePod, queued, setUpPlanner } from "./planner-fixture.ts";

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

function start() {
  const all = setUpPlanner();
  stopLast = () => all.planner.stop();
  all.planner.start();
  return all;
}

describe("createPlanner()", () => {
  it("does not start a job again whose result is coming from a pod that answers, and says so", async () => {
    const { fleet, planner, signals, clock } = start();
    await settle();
    fleet.pods = [livePod(1), livePod(2)];
    fleet.queue = [queued(1), queued(2)];
    fleet.landing.set(jobId(1), podId(1));
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(2)]);
    expect(planner.waitingFor(queued(1))).toMatchObject({
      reason: "retrying",
      message: expect.stringContaining("back"),
    });
    fleet.landing.clear();
    await clock.advance(1_000);
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(2), jobId(1)]);
  });

  it.each([
    ["is silent", () => [livePod(1, { accepting: false }), livePod(2)]],
    ["is not there", () => [livePod(2)]],
  ])("starts a job again when the pod that has its result %s", async (_, pods) => {
    const { fleet, signals } = start();
    await settle();
    fleet.pods = pods();
    fleet.queue = [queued(1)];
    fleet.landing.set(jobId(1), podId(1));
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(1), podId: podId(2) }]);
  });
});
