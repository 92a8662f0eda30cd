import { describe, expect, it } from "vitest";
import { readyCondition, reportOf, strangeAttemptId } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "./pod-side.ts";

describe("createPodSessions()", () => {
  it("makes an answering pod live, with the epoch it took and what the beat said", async () => {
    await using side = await setUpPodSide();
    expect(side.sessions.live()).toEqual([]);
    await side.start();
    expect(side.live()).toEqual({
      id: side.podId,
      name: "gpu-1",
      bootId: side.agent.bootId,
      epoch: 1,
      protocol: 2,
      dev: false,
      accepting: true,
      freeSlots: 1,
      mayFollow: [],
      ahead: [],
      objectInfoSha256: side.agent.capability.objectInfoSha256,
      gpu: { state: "unknown", why: null },
    });
    expect(side.agent.beats[0]).toMatchObject({
      podId: side.podId,
      edgeId: side.edgeId,
      epoch: 1,
      known: [],
      cancel: [],
    });
    await until(async () => (await side.store.getPod(side.podId))?.phase === "ready");
    expect(await side.store.getPod(side.podId)).toMatchObject({
      bootId: side.agent.bootId,
      slotsTotal: 1,
      slotsBusy: 0,
      conditions: [
        { type: "ProtocolCompatible", status: "true" },
        { type: "Reachable", status: "true" },
        { type: "ComfyReady", status: "true" },
      ],
    });
  });

  it("beats every 5 s, give or take a tenth", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.advance(20_000);
    expect(side.agent.beats.length).toBeGreaterThanOrEqual(4);
    expect(side.agent.beats.length).toBeLessThanOrEqual(6);
  });

  it("names its live attempts in the beat, and those of canceling jobs for the end, at once", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    const { attemptId } = side.lastStart();
    await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    side.signals.emit("job", await side.job(id));
    await side.advance(250);
    await until(() => side.agent.beats.at(-1)?.cancel.includes(attemptId));
    expect(side.agent.beats.at(-1)?.known).toEqual([attemptId]);
    side.agent.report(reportOf(side.lastStart(), "canceled"));
    await until(async () => (await side.job(id)).state === "canceled");
    await until(() => side.agent.released.includes(attemptId));
  });

  it("counts a slot as taken from the offer on, and as free from the report that ComfyUI is done", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    const seen: number[] = [];
    side.agent.onStart = ((accept) => (order) => {
      seen.push(side.live().freeSlots);
      return accept(order);
    })(side.agent.onStart);
    await side.dispatch(id);
    expect([...seen, side.live().freeSlots]).toEqual([0, 0]);
    side.agent.changed();
    side.agent.report(reportOf(side.lastStart(), "running"));
    await until(async () => (await side.job(id)).state === "running");
    expect(side.live().freeSlots).toBe(0);
    side.agent.report(reportOf(side.lastStart(), "collecting"));
    await until(() => side.live().freeSlots === 1);
    expect((await side.job(id)).state).toBe("running");
  });

  it("counts a slot as taken while its attempt runs, before the slots themselves say so", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    const settled: string[] = [];
    const { settle } = side.settlement;
    side.settlement.settle = (podId, report) => {
      settled.push(report.state);
      return settle(podId, report);
    };
    side.agent.report(reportOf(side.lastStart(), "running"));
    await until(() => settled.includes("running"));
    expect(side.live().freeSlots).toBe(0);
    side.agent.report(reportOf(side.lastStart(), "collecting"));
    await until(() => side.live().freeSlots === 1);
  });

  it("tells of a slot that is free again though nobody was told that it was taken", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    expect(side.live().freeSlots).toBe(0);
    const told: number[] = [];
    side.signals.on("pods", () => told.push(side.live().freeSlots));
    // The run is over before the agent has said a word of it: the first one is the last.
    side.agent.report(reportOf(side.lastStart(), "collecting"));
    await until(() => side.live().freeSlots === 1);
    expect(told).toEqual([1]);
  });

  it("does not take a slot back that an event freed while the beat was under way", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.dispatch((await side.submit()).id);
    side.agent.changed();
    await side.advance(6_000);
    const { fetch } = side.agent;
    let beats = 0;
    side.agent.fetch = async (request) => {
      const response = await fetch(request);
      if (!request.url.endsWith("pod.beat")) return response;
      const text = await response.text();
      side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
      if (beats === 0) side.agent.report(reportOf(side.lastStart(), "collecting"));
      await until(() => side.live().freeSlots === 1);
      beats += 1;
      return new Response(text, response);
    };
    side.sessions.nudge(side.podId);
    await side.advance(250);
    await until(() => beats === 1);
    const seen: number[] = [];
    side.signals.on("pods", () => seen.push(side.live().freeSlots));
    await side.advance(500);
    expect([...seen, side.live().freeSlots]).toEqual([1]);
  });

  it("tells the planner when slots change, and not when a beat brings nothing new", async () => {
    await using side = await setUpPodSide();
    await side.start();
    let hints = 0;
    side.signals.on("pods", () => (hints += 1));
    await side.advance(10_000);
    expect(hints).toBe(0);
    side.agent.slots = [{ index: 0, ready: false, attemptId: null }];
    side.agent.changed();
    await until(() => hints === 1 && side.live().freeSlots === 0);
  });

  it("stores a change of condition without waiting for the next beat", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.agent.conditions = [readyCondition("false")];
    side.agent.slots = [{ index: 0, ready: false, attemptId: null }];
    side.agent.changed();
    await side.advance(250);
    await until(async () => (await side.store.getPod(side.podId))?.phase === "starting");
  });

  it("beats at once when the stream is cut, and opens it again", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.advance(250);
    const before = side.agent.beats.length;
    side.transport.cutAll();
    await side.advance(500);
    await until(() => side.agent.beats.length > before && side.agent.watchers() === 1);
    expect(side.live().accepting).toBe(true);
  });

  it("orders the end of attempts at work whose job is over or unknown", async () => {
    await using side = await setUpPodSide();
    const stranger = strangeAttemptId();
    side.agent.attempts.set(
      stranger,
      reportOf({ attemptId: stranger, jobId: (await side.submit()).id, no: 1 }, "running"),
    );
    await side.start();
    await side.advance(500);
    await until(() => side.agent.beats.at(-1)?.cancel.includes(stranger));
    side.agent.report(reportOf({ attemptId: stranger, jobId: (await side.submit()).id, no: 1 }, "canceled"));
    await until(() => side.agent.released.includes(stranger));
  });

  it("stop() ends everything in time and gives its pods free", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.sessions.stop();
    expect(await side.store.getPod(side.podId)).toMatchObject({ edgeId: null, leaseUntilMs: 0 });
    expect(side.sessions.live()).toEqual([]);
    await until(() => side.agent.watchers() === 0);
  });

  it("stop() ends in time while the agent does not answer", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.transport.faults.push({ path: /pod\.beat/, fault: "hang", times: 99 });
    side.sessions.nudge(side.podId);
    await side.advance(250);
    await side.sessions.stop();
    expect((await side.store.getPod(side.podId))?.edgeId).toBeNull();
  });
});
