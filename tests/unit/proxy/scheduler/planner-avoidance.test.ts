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

describe("createPlanner() after dispatches that came to nothing", () => {
  it("offers a job elsewhere that a pod gave back, and that pod to another job", async () => {
    const { fleet, signals } = start();
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.queue = [queued(1, 3), queued(2)];
    fleet.dispatches[0]?.settle("given_back");
    await settle();
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([jobId(1), jobId(2)]);
    fleet.pods = [livePod(1), livePod(2)];
    signals.emit("pods", undefined);
    await settle();
    expect(fleet.dispatches.at(-1)).toMatchObject({ jobId: jobId(1), podId: podId(2) });
  });

  it("offers a job that a pod's body refuses to pods with another body only, and says so", async () => {
    const { fleet, signals, planner } = start();
    fleet.pods = [livePod(1), livePod(2)];
    fleet.queue = [queued(1)];
    signals.emit("queue", undefined);
    await settle();
    fleet.dispatches[0]?.settle("refused");
    await settle();
    expect(fleet.dispatches).toHaveLength(1);
    expect(planner.waitingFor(queued(1))).toEqual({
      reason: "no_capable_pod",
      message: "No pod can run it: the nearest, 'gpu-1', runs a ComfyUI that refuses this graph.",
    });
    fleet.pods = [livePod(1), livePod(2), livePod(3, { objectInfoSha256: "other" })];
    signals.emit("pods", undefined);
    await settle();
    // The fleet's bodies are others now, so the first may be asked once more.
    for (const { podId: id, settle: end } of fleet.dispatches.slice(1)) if (id !== podId(3)) end("refused");
    await settle();
    expect(fleet.dispatches.at(-1)).toMatchObject({ jobId: jobId(1), podId: podId(3) });
  });

  it("leaves a pod alone for a while that takes nobody's job", async () => {
    const { fleet, signals, clock } = start();
    for (const n of [1, 2]) {
      fleet.queue = [queued(n)];
      signals.emit("queue", undefined);
      await settle();
      fleet.queue = [];
      fleet.dispatches.at(-1)?.settle("not_taken");
      await settle();
    }
    fleet.queue = [queued(3)];
    signals.emit("queue", undefined);
    await settle();
    expect(fleet.dispatches).toHaveLength(2);
    await clock.advance(1_000);
    expect(fleet.dispatches.map((one) => one.jobId)).toEqual([1, 2, 3].map((n) => jobId(n)));
  });
});
