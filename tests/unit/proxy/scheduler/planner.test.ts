import { afterEach, describe, expect, it } from "vitest";
import type { PlannerOptions } from "../../../../proxy/scheduler/planner.ts";
import { jobId, podId } from "../jobs/ids.ts";
import { settle } from "../jobs/manual-clock.ts";
import { info, livePod, queued, setUpPlanner } from "./planner-fixture.ts";

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

function start(options: Partial<PlannerOptions> = {}) {
  const all = setUpPlanner(options);
  stopLast = () => all.planner.stop();
  all.planner.start();
  return all;
}

describe("createPlanner()", () => {
  it("dispatches what is queued when it starts", async () => {
    const { fleet, planner } = setUpPlanner();
    stopLast = () => planner.stop();
    fleet.queue = [queued(1)];
    planner.start();
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(1), podId: podId(1) }]);
  });

  it("dispatches on the hint of a submit, with no timer in between", async () => {
    const { fleet, signals } = start();
    await settle();
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    // Promises only: the manual clock has not moved.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("gives a cordoned pod nothing, says so, and goes on when the cordon is taken away", async () => {
    const { fleet, planner, signals } = start();
    await settle();
    fleet.cordoned = [podId(1)];
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toEqual([]);
    expect(planner.waitingFor(queued(1))).toEqual({
      reason: "pods_cordoned",
      message: "Pod 'gpu-1' can run it, but is cordoned: an operator lets it take no new work.",
    });
    fleet.cordoned = [];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("finds a job without any hint within a poll", async () => {
    const { fleet, clock } = start();
    await settle();
    fleet.queue = [queued(1)];
    await clock.advance(1_000);
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("keeps a hint that comes while it looks", async () => {
    const needs = Promise.withResolvers<void>();
    const { fleet, signals } = start({ objectInfo: { get: () => needs.promise.then(() => info) } });
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.pods = [livePod(1), livePod(2)];
    fleet.queue = [queued(1), queued(2)];
    signals.emit("queue", undefined);
    needs.resolve();
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1), jobId(2)]);
  });

  it("never promises a slot twice while a dispatch is under way, also when the pod still shows it as free", async () => {
    const { fleet, signals, planner } = start();
    fleet.queue = [queued(1), queued(2)];
    for (let round = 0; round < 3; round++) {
      signals.emit("pods", undefined);
      await settle();
    }
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1)]);
    expect(planner.waitingFor(queued(1))?.reason).toBe("starting");
    expect(planner.waitingFor(queued(2))?.reason).toBe("pods_busy");
  });

  it("uses the slot again when the dispatch has settled", async () => {
    const { fleet, signals } = start();
    fleet.queue = [queued(1), queued(2)];
    signals.emit("queue", undefined);
    await settle();
    fleet.queue = [queued(2)];
    fleet.dispatches[0]?.settle();
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1), jobId(2)]);
  });

  it("fills the other slots of a pod while one dispatch is under way, whether or not the pod counts it", async () => {
    const { fleet, signals } = start();
    fleet.pods = [livePod(1, { freeSlots: 2 })];
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.pods = [livePod(1, { freeSlots: 1 })];
    fleet.queue = [queued(1), queued(2), queued(3)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1), jobId(2)]);
  });

  it("does not spin on a job that comes back unchanged, and tries it again at the next poll", async () => {
    const { fleet, clock, signals } = start();
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.dispatches[0]?.settle();
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
    await clock.advance(2_000);
    expect(fleet.dispatches).toHaveLength(2);
  });

  it("offers a job that was given back as a new version at once", async () => {
    const { fleet, signals } = start();
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.queue = [queued(1, 3)];
    fleet.dispatches[0]?.settle();
    await settle();
    expect(fleet.dispatches).toHaveLength(2);
  });

  it("survives the store's death and goes on when it is back", async () => {
    const { fleet, clock } = start();
    fleet.failing = true;
    await clock.advance(60_000);
    // Backed off: far fewer reads than the 60 polls.
    expect(fleet.reads).toBeLessThan(25);
    fleet.failing = false;
    fleet.queue = [queued(1)];
    await clock.advance(6_000);
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("survives a dispatcher that breaks its word", async () => {
    const { fleet, clock } = start({ dispatcher: { dispatch: () => Promise.reject(new Error("bug")) } });
    fleet.queue = [queued(1)];
    await clock.advance(3_000);
    expect(fleet.reads).toBeGreaterThan(2);
  });

  it("plans nothing without the role, and takes over when it is free", async () => {
    const { fleet, clock, planner } = start();
    fleet.leader = false;
    await clock.advance(10_000);
    fleet.queue = [queued(1)];
    await clock.advance(3_000);
    expect(fleet.dispatches).toEqual([]);
    expect(planner.waitingFor(queued(1))).toBeNull();
    fleet.leader = true;
    await clock.advance(1_000);
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("does not ask for its role at every look", async () => {
    const { fleet, signals } = start();
    for (let round = 0; round < 10; round++) {
      signals.emit("queue", undefined);
      await settle();
    }
    expect(fleet.reads).toBe(11);
    expect(fleet.roleCalls).toBe(1);
  });

  it("says why a job waits", async () => {
    const { fleet, signals, planner } = start();
    fleet.pods = [];
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    expect(planner.waitingFor(queued(1))?.reason).toBe("no_pods");
  });

  it("looks past the head of the queue while nothing there can run", async () => {
    const { fleet, signals, planner } = start({ queueLimit: 2 });
    fleet.queue = [1, 2, 3, 4, 5].map((n) => ({ ...queued(n), placementKey: "impossible" }));
    signals.emit("queue", undefined);
    await settle();
    fleet.queue.push(queued(6));
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(6)]);
    expect(planner.waitingFor({ ...queued(5), placementKey: "impossible" })?.reason).toBe("no_capable_pod");
  });

  it("looks no further than needed while every slot is taken, and says how many are before a job", async () => {
    const { fleet, signals, planner } = start({ queueLimit: 2 });
    fleet.queue = [1, 2, 3].map((n) => queued(n));
    signals.emit("queue", undefined);
    await settle();
    const { reads } = fleet;
    await settle();
    expect(fleet.reads).toBe(reads);
    expect(planner.waitingFor(queued(3))).toEqual({ reason: "pods_busy", message: "At least 2 jobs are before it." });
  });

  it("stops at once, with a dispatch under way and after a failure", async () => {
    const { fleet, signals, planner, clock } = start();
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.failing = true;
    signals.emit("queue", undefined);
    await settle();
    await planner.stop();
    expect(clock.sleeping()).toBe(0);
  });
});
