import { afterEach, describe, expect, it } from "vitest";
import type { PlannerOptions } from "../../../../proxy/scheduler/planner.ts";
import { attemptId, jobId, podId } from "../jobs/ids.ts";
import { settle } from "../jobs/manual-clock.ts";
import { recordedInfo } from "../jobs/graph-fixtures.ts";
import { info, livePod, queued, setUpPlanner } from "./planner-fixture.ts";

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

function start(options: Partial<PlannerOptions> = {}) {
  const all = setUpPlanner({ queueLimit: 10, ...options });
  stopLast = () => all.planner.stop();
  return all;
}

const impossible = (n: number, key = "impossible") => ({ ...queued(n), placementKey: key });

describe("createPlanner() behind jobs that nothing can run", () => {
  it("dispatches at once what stands behind 500 of one kind, and says why each of these waits", async () => {
    const { fleet, planner, signals } = start();
    fleet.queue = [...Array.from({ length: 500 }, (_, n) => impossible(n + 1)), queued(501)];
    planner.start();
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(501)]);
    for (const n of [1, 10, 500]) {
      expect(planner.waitingFor(impossible(n))).toEqual({
        reason: "no_capable_pod",
        message: "No pod can run it: the nearest, 'gpu-1', lacks the class 'NoSuchNode'.",
      });
    }
    const { reads } = fleet;
    fleet.pods = [livePod(1, { name: "renamed" })];
    signals.emit("pods", undefined);
    await settle();
    // Known by now, so the first read is past them.
    expect(fleet.reads - reads).toBeLessThanOrEqual(2);
    expect(planner.waitingFor(impossible(500))?.message).toContain("'renamed'");
  });

  it("dispatches what stands behind thousands of kinds, part by part", async () => {
    const { fleet, planner, clock } = start();
    const many = Array.from({ length: 600 }, (_, n) => impossible(n + 1, `impossible-${n}`));
    fleet.queue = [...many, queued(601)];
    planner.start();
    await clock.advance(10_000);
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(601)]);
    expect(planner.waitingFor(impossible(600, "impossible-599"))?.reason).toBe("no_capable_pod");
  });

  it("gives them out once a pod can run them", async () => {
    const other = recordedInfo({ NoSuchNode: { input: {}, output: [], output_node: true } });
    const { fleet, planner, signals } = start({
      objectInfo: { get: (sha256) => Promise.resolve(sha256 === "other" ? other : info) },
    });
    fleet.queue = Array.from({ length: 50 }, (_, n) => impossible(n + 1));
    planner.start();
    await settle();
    expect(fleet.dispatches).toEqual([]);
    fleet.pods = [livePod(1), livePod(2, { objectInfoSha256: "other" })];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(1), podId: podId(2) }]);
  });

  it("dispatches to an idle pod what stands behind hundreds of jobs that only a busy one can run", async () => {
    const other = recordedInfo({ NoSuchNode: { input: {}, output: [], output_node: true } });
    const { fleet, planner } = start({
      objectInfo: { get: (sha256) => Promise.resolve(sha256 === "other" ? other : info) },
    });
    fleet.pods = [livePod(1), livePod(2, { objectInfoSha256: "other", freeSlots: 0 })];
    fleet.queue = [...Array.from({ length: 500 }, (_, n) => impossible(n + 1)), queued(501)];
    planner.start();
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(501)]);
    expect(planner.waitingFor(impossible(500))).toEqual({
      reason: "pods_busy",
      message: "Pod 'gpu-2' can run it, but has no free slot.",
    });
  });
});

describe("createPlanner() with an empty queue", () => {
  it("does not look because of a pod, but at the poll, and at once when a job comes", async () => {
    const { fleet, planner, signals, clock } = start();
    planner.start();
    await settle();
    expect(fleet.reads).toBe(1);
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.reads).toBe(1);
    await clock.advance(1_000);
    expect(fleet.reads).toBe(2);
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
  });

  it("looks because of a pod while a job waits, or was told of during the last look", async () => {
    const { fleet, planner, signals } = start();
    fleet.pods = [livePod(1, { freeSlots: 0 })];
    fleet.queue = [queued(1)];
    planner.start();
    await settle();
    fleet.pods = [livePod(1)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
    // Nothing is left once it has started, and nobody need look for that; a job that has not is looked at again.
    const { reads } = fleet;
    fleet.queue = [];
    fleet.dispatches[0]?.settle("started");
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.reads).toBe(reads);
    signals.emit("queue", undefined);
    signals.emit("queue", undefined);
    await settle();
    fleet.queue = [queued(2)];
    signals.emit("queue", undefined);
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(2);
  });

  it("looks again when what it gave away has not started", async () => {
    const { fleet, planner } = start();
    fleet.queue = [queued(1)];
    planner.start();
    await settle();
    const { reads } = fleet;
    fleet.dispatches[0]?.settle("given_back");
    await settle();
    expect(fleet.reads).toBeGreaterThan(reads);
  });

  it("looks because of a pod while a job is ahead on one, and while there may be jobs that no pod of before could run", async () => {
    const { fleet, planner, signals } = start();
    fleet.pods = [livePod(1, { ahead: [{ attemptId: attemptId(1), jobId: jobId(1) }] })];
    planner.start();
    await settle();
    const { reads } = fleet;
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.reads).toBe(reads + 1);
    fleet.pods = [livePod(1)];
    fleet.queue = [impossible(2)];
    signals.emit("queue", undefined);
    await settle();
    const before = fleet.reads;
    // Past which the next look reads: it sees an empty queue.
    for (let round = 0; round < 2; round++) {
      signals.emit("pods", undefined);
      await settle();
    }
    expect(fleet.reads).toBeGreaterThanOrEqual(before + 2);
  });

  it("looks because of a pod right after it has sent a job ahead", async () => {
    const { fleet, planner, signals } = start();
    fleet.pods = [livePod(1, { freeSlots: 0, mayFollow: [attemptId(1)] })];
    fleet.queue = [queued(1)];
    planner.start();
    await settle();
    expect(fleet.dispatches.map(({ after }) => after)).toEqual([attemptId(1)]);
    const { reads } = fleet;
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.reads).toBe(reads + 1);
  });
});
