import { describe, expect, it } from "vitest";
import { createQuietReports } from "../../../../agent/pod/quiet-reports.ts";
import type { AttemptState } from "../../../../contracts/attempt.ts";
import { reportOf, strangeAttemptId } from "../../../support/agent-reports.ts";
import { createVirtualClock } from "../../../support/comfy/virtual-clock.ts";
import { jobId } from "../../proxy/jobs/ids.ts";

const newOrder = () => ({ attemptId: strangeAttemptId(), jobId: jobId(1), no: 1 });

function setUp() {
  const clock = createVirtualClock();
  const told: AttemptState[] = [];
  const reports = createQuietReports(clock, ({ state }) => told.push(state), new AbortController().signal);
  const say = (state: AttemptState, order: ReturnType<typeof newOrder>) => reports.add(reportOf(order, state));
  return { clock, told, say };
}

describe("createQuietReports()", () => {
  it("tells of a run of milliseconds by its end alone", async () => {
    const { clock, told, say } = setUp();
    const order = newOrder();
    for (const state of ["accepted", "running", "collecting", "succeeded"] as const) say(state, order);
    await clock.advance(1_000);
    expect(told).toEqual(["succeeded"]);
  });

  it("tells of a beginning after a moment, by the newest report, and of each attempt", async () => {
    const { clock, told, say } = setUp();
    const order = newOrder();
    say("accepted", order);
    say("running", order);
    await clock.advance(24);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(["running"]);
    say("failed", order);
    say("accepted", newOrder());
    say("running", newOrder());
    await clock.advance(25);
    expect(told).toEqual(["running", "failed", "accepted", "running"]);
  });

  it("tells that a slot is free as soon as nothing else is to be done", async () => {
    const { clock, told, say } = setUp();
    const order = newOrder();
    for (const state of ["accepted", "running", "collecting"] as const) say(state, order);
    expect(told).toEqual([]);
    await clock.advance(0);
    expect(told).toEqual(["collecting"]);
    say("succeeded", order);
    await clock.advance(1_000);
    expect(told).toEqual(["collecting", "succeeded"]);
  });

  it.each(["succeeded", "failed", "canceled", "lost"] as const)("tells of '%s' at once", (state) => {
    const { told, say } = setUp();
    say(state, newOrder());
    expect(told).toEqual([state]);
  });
});
