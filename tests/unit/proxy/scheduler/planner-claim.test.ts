// What comes while nothing waits: planner.claim().
import { afterEach, describe, expect, it } from "vitest";
import type { Newcomer } from "../../../../proxy/scheduler/claims.ts";
import { jobId, podId, tenantId } from "../jobs/ids.ts";
import { settle } from "../jobs/manual-clock.ts";
import { livePod, queued, setUpPlanner } from "./planner-fixture.ts";

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

function newcomer(n: number, fields: Partial<Newcomer> = {}): Newcomer {
  return { id: jobId(n), tenantId: tenantId(1), priority: "normal", placementKey: "key", ...fields };
}

/** The planner has given job 1 to pod 1, which shows its slot as free again, and has seen an empty queue. */
async function setUp() {
  const all = setUpPlanner();
  stopLast = () => all.planner.stop();
  all.fleet.queue = [queued(1)];
  all.planner.start();
  await settle();
  all.fleet.queue = [];
  all.fleet.dispatches[0]?.settle("started");
  await settle();
  return all;
}

describe("claim()", () => {
  it("grants a free slot on an empty queue, and promises it once", async () => {
    const { planner, fleet } = await setUp();
    expect(planner.claim(newcomer(2))?.pod.id).toBe(podId(1));
    expect(planner.claim(newcomer(3))).toBeNull();
    expect(planner.waitingFor(queued(2))?.reason).toBe("starting");
    // The pod counts the offer itself by now, or not yet: the slot is promised either way.
    fleet.pods = [livePod(1, { freeSlots: 0 })];
    expect(planner.claim(newcomer(3))).toBeNull();
  });

  it("grants as many as there are slots, and again when one has settled", async () => {
    const { planner, fleet } = await setUp();
    fleet.pods = [livePod(1, { freeSlots: 2 })];
    const first = planner.claim(newcomer(2));
    expect(planner.claim(newcomer(3))).not.toBeNull();
    expect(planner.claim(newcomer(4))).toBeNull();
    first?.settle("started");
    expect(planner.waitingFor(queued(2))).toBeNull();
    expect(planner.claim(newcomer(4))).not.toBeNull();
  });

  it("grants nothing before the first look", () => {
    const { planner } = setUpPlanner();
    stopLast = () => planner.stop();
    expect(planner.claim(newcomer(2))).toBeNull();
    planner.start();
    expect(planner.claim(newcomer(2))).toBeNull();
  });

  it("grants nothing when more was heard of the queue, until that was looked at", async () => {
    const { planner, signals } = await setUp();
    signals.emit("queue", undefined);
    expect(planner.claim(newcomer(2))).toBeNull();
    await settle();
    expect(planner.claim(newcomer(2))).not.toBeNull();
  });

  it("grants nothing while a job waits, though it cannot run there", async () => {
    const { planner, fleet, signals } = await setUp();
    fleet.queue = [{ ...queued(2), placementKey: "impossible" }];
    signals.emit("queue", undefined);
    await settle();
    expect(planner.claim(newcomer(3))).toBeNull();
  });

  it("grants a slot whenever the lease runs, also before it is taken again", async () => {
    const { planner, clock } = await setUp();
    clock.skip(2_600);
    expect(planner.claim(newcomer(2))).not.toBeNull();
  });

  it("grants nothing while jobs wait that a look has not come to", async () => {
    const { planner, fleet, clock } = setUpPlanner({ queueLimit: 2 });
    stopLast = () => planner.stop();
    fleet.pods = [livePod(1, { freeSlots: 2 })];
    fleet.queue = [queued(1), queued(2), queued(3)];
    planner.start();
    await settle();
    expect(fleet.dispatches).toHaveLength(2);
    fleet.queue = [queued(3)];
    for (const { settle: end } of fleet.dispatches) end("started");
    expect(planner.claim(newcomer(4))).toBeNull();
    await clock.advance(1_000);
    expect(fleet.dispatches).toHaveLength(3);
  });

  it("grants nothing when the role's lease may have ended, or is another's", async () => {
    const { planner, fleet, clock } = await setUp();
    clock.skip(5_000);
    expect(planner.claim(newcomer(2))).toBeNull();
    fleet.leader = false;
    await clock.advance(1_000);
    expect(planner.claim(newcomer(2))).toBeNull();
  });

  it("grants nothing from the moment it is stopped", async () => {
    const { planner } = await setUp();
    const stopped = planner.stop();
    expect(planner.claim(newcomer(2))).toBeNull();
    await stopped;
    expect(planner.claim(newcomer(2))).toBeNull();
  });

  it("grants no slot of a pod that takes no work", async () => {
    const { planner, fleet, clock } = await setUp();
    for (const pod of [{ accepting: false }, { freeSlots: 0 }, { objectInfoSha256: "not looked at yet" }]) {
      fleet.pods = [livePod(1, pod)];
      expect(planner.claim(newcomer(2))).toBeNull();
    }
    fleet.pods = [livePod(1)];
    fleet.cordoned = [podId(1)];
    await clock.advance(1_000);
    expect(planner.claim(newcomer(2))).toBeNull();
  });

  it("grants no look-ahead: that is the queue's", async () => {
    const { planner, fleet } = await setUp();
    fleet.pods = [livePod(1, { freeSlots: 0, mayFollow: ["att_00000000000000000000000001"] })];
    expect(planner.claim(newcomer(2))).toBeNull();
  });

  it("grants nothing to a kind of job that no look has met", async () => {
    const { planner } = await setUp();
    expect(planner.claim(newcomer(2, { placementKey: "another" }))).toBeNull();
  });

  it.each([null, "given_back", "not_taken", "unmoved", "ended", "started"] as const)(
    "gives the slot to who waits for it when it has settled: %s",
    async (end) => {
      const { planner, fleet, signals } = await setUp();
      const slot = planner.claim(newcomer(2));
      fleet.queue = [queued(3)];
      signals.emit("queue", undefined);
      await settle();
      expect(fleet.dispatches).toHaveLength(1);
      slot?.settle(end);
      await settle();
      expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1), jobId(3)]);
    },
  );

  it("looks again only when the job was not started", async () => {
    const { planner, fleet } = await setUp();
    const before = fleet.reads;
    planner.claim(newcomer(2))?.settle("started");
    await settle();
    expect(fleet.reads).toBe(before);
    planner.claim(newcomer(3))?.settle(null);
    await settle();
    expect(fleet.reads).toBe(before + 1);
  });

  it("is not dispatched a second time while it is claimed, though it is in the queue after all", async () => {
    const { planner, fleet, signals } = await setUp();
    fleet.pods = [livePod(1, { freeSlots: 2 })];
    const slot = planner.claim(newcomer(2));
    fleet.queue = [queued(2)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
    slot?.settle(null);
    await settle();
    expect(fleet.dispatches).toHaveLength(2);
  });

  it("learns from a pod that has given the job back, as from a dispatch", async () => {
    const { planner, fleet, signals, clock } = await setUp();
    fleet.queue = [queued(2, 3)];
    planner.claim(newcomer(2))?.settle("given_back");
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
    await clock.advance(1_000);
    expect(fleet.dispatches).toHaveLength(2);
  });
});
