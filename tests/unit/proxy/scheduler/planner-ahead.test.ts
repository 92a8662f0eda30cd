// The planner and the jobs that it sends behind a run.
import { afterEach, describe, expect, it } from "vitest";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import { CALLABLE_AFTER_MS } from "../../../../proxy/scheduler/look-aheads.ts";
import { attemptId, jobId, podId } from "../jobs/ids.ts";
import { settle } from "../jobs/manual-clock.ts";
import { livePod, queued, setUpPlanner } from "./planner-fixture.ts";

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

/** Pod 1 has a run, and job 1 waits behind it. */
async function start(fields: Partial<JobRow> = {}) {
  const all = setUpPlanner();
  stopLast = () => all.planner.stop();
  const { fleet, planner } = all;
  fleet.rows.set(
    jobId(1),
    { ...queued(1), state: "assigned", startByMs: null, startedAtMs: null, ...fields } as JobRow,
  );
  fleet.pods = [livePod(1, { freeSlots: 0, ahead: [{ attemptId: attemptId(101), jobId: jobId(1) }] }), busy(2)];
  planner.start();
  await settle();
  return all;
}

const busy = (n: number) => livePod(n, { freeSlots: 0, mayFollow: [attemptId(n)] });

describe("createPlanner() of look-aheads", () => {
  it("sends a job behind a run at once, and says that it is being given the job", async () => {
    const { fleet, planner, signals } = await start();
    fleet.queue = [queued(2)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(2), podId: podId(2), after: attemptId(2) }]);
    expect(planner.waitingFor(queued(2))?.reason).toBe("starting");
  });

  it("says of what waits there that it is next", async () => {
    const { planner } = await start();
    expect(planner.waitingFor(queued(1))).toEqual({
      reason: "pods_busy",
      message: "It is next on pod 'gpu-1', which runs another job.",
    });
    expect(planner.waitingFor(queued(9))).toBeNull();
  });

  it("takes no free slot of the pod for what it sends behind a run", async () => {
    const { fleet, signals } = await start();
    fleet.pods = [livePod(1, { freeSlots: 0, mayFollow: [attemptId(1)] })];
    fleet.queue = [queued(2)];
    signals.emit("queue", undefined);
    await settle();
    // The dispatch is under way while another slot of the pod becomes free.
    fleet.pods = [livePod(1, { freeSlots: 1 })];
    fleet.queue = [queued(2), queued(3)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches.map(({ jobId: id, after }) => [id, after])).toEqual([
      [jobId(2), attemptId(1)],
      [jobId(3), null],
    ]);
  });

  it("calls one back for a slot that is free elsewhere, not before it has waited, and then gives it the slot", async () => {
    const { fleet, clock, signals } = await start();
    await clock.advance(CALLABLE_AFTER_MS - 50);
    fleet.pods = [livePod(1, { freeSlots: 0, ahead: fleet.pods[0]?.ahead ?? [] }), livePod(2)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.recalls).toEqual([]);
    // No hint and no poll: it is looked at when its time comes.
    await clock.advance(50);
    expect(fleet.recalls.map((one) => one.attemptId)).toEqual([attemptId(101)]);
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.recalls).toHaveLength(1);
    fleet.pods = [busy(1), livePod(2)];
    fleet.queue = [queued(1, 3)];
    fleet.recalls[0]?.settle();
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(1), podId: podId(2), after: null }]);
  });

  it("keeps the slot for it while it is called back, and gives it to others when it does not come back", async () => {
    const { fleet, clock, signals } = await start();
    await clock.advance(CALLABLE_AFTER_MS);
    fleet.pods = [livePod(1, { freeSlots: 0, ahead: fleet.pods[0]?.ahead ?? [] }), livePod(2)];
    fleet.queue = [queued(2)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.recalls).toHaveLength(1);
    expect(fleet.dispatches).toEqual([]);
    fleet.recalls[0]?.settle();
    await settle();
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(2), podId: podId(2), after: null }]);
    expect(fleet.recalls).toHaveLength(1);
  });

  it("calls it back when its pod is cordoned, and when it is past its start deadline", async () => {
    const { fleet, clock, signals } = await start();
    await clock.advance(CALLABLE_AFTER_MS);
    expect(fleet.recalls).toEqual([]);
    fleet.cordoned = [podId(1)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.recalls).toHaveLength(1);
    await stopLast();
    const late = await start({ startByMs: 0 });
    await late.clock.advance(CALLABLE_AFTER_MS);
    expect(late.fleet.recalls).toHaveLength(1);
  });

  it("leaves alone one whose job is gone, and forgets one that waits no more", async () => {
    const { fleet, clock, signals } = await start();
    fleet.rows.clear();
    fleet.cordoned = [podId(1)];
    await clock.advance(CALLABLE_AFTER_MS);
    fleet.pods = [busy(1)];
    signals.emit("pods", undefined);
    await clock.advance(1_000);
    expect(fleet.recalls).toEqual([]);
  });
});
