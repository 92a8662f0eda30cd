import { describe, expect, it } from "vitest";
import { reportOf } from "../../../support/agent-reports.ts";
import { newBootId, newEdgeId, newPodId } from "../store/samples.ts";
import { setUpPodSide, until } from "./pod-side.ts";

describe("PodSessions.remove()", () => {
  it("makes the pod gone and queues its jobs again at once, without a silence and without a beat more", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    side.agent.report(reportOf(side.lastStart(), "running"));
    await until(async () => (await side.job(id)).state === "running");
    const startedMs = side.clock.nowMs();
    const beats = side.agent.beats.length;
    expect(await side.sessions.remove(side.podId)).toBe(true);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
    expect((await side.attempt(side.lastStart().attemptId)).state).toBe("lost");
    expect(side.clock.nowMs()).toBe(startedMs);
    expect(side.sessions.live()).toEqual([]);
    expect(await side.store.getPod(side.podId)).toMatchObject({
      phase: "gone",
      conditions: expect.arrayContaining([expect.objectContaining({ type: "Reachable", reason: "Removed" })]),
    });
    await until(() => side.agent.watchers() === 0);
    await side.advance(20_000);
    expect(side.agent.beats.length).toBe(beats);
    expect(await side.sessions.remove(side.podId)).toBe(true);
    expect((await side.job(id)).losses).toBe(1);
  });

  it("lets nothing be assigned to it afterwards, whatever was planned before", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const pod = side.live();
    const { id } = await side.submit();
    await side.sessions.remove(side.podId);
    await side.dispatch(id, pod);
    expect(await side.job(id)).toMatchObject({ state: "queued", attempt: 0 });
    expect(side.agent.starts).toEqual([]);
  });

  it("loses what an offer that was under way has left there", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    side.transport.faults.push({ path: /attempts\./, fault: "hang", times: 100 });
    const offer = side.dispatch(id);
    await until(() => side.agent.starts.length === 1);
    await side.sessions.remove(side.podId);
    expect((await side.job(id)).state).toBe("assigned");
    await side.advance(120_000);
    await offer;
    await side.advance(1_000);
    await until(async () => (await side.job(id)).state === "queued");
    expect(await side.store.listLiveAttempts(side.podId)).toEqual([]);
  });

  it("leaves a pod to the edge that holds it, and knows nothing of one that was never there", async () => {
    await using side = await setUpPodSide();
    await side.store.takePod({ podId: side.podId, edgeId: newEdgeId(), leaseMs: 60_000 });
    expect(await side.sessions.remove(side.podId)).toBe(false);
    expect((await side.store.getPod(side.podId))?.phase).toBe("joining");
    expect(await side.sessions.remove(newPodId())).toBe(true);
  });

  it("is undone by add() with the pod as it is registered again", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.sessions.remove(side.podId);
    side.sessions.add(await side.store.registerPod({ id: newPodId(), name: "gpu-1", transportKey: "gpu-1" }));
    await until(() => side.sessions.live().length === 1);
    await until(async () => (await side.store.getPod(side.podId))?.phase === "ready");
  });
});

describe("PodSessions.add()", () => {
  it("begins a session while the edge runs, once", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const row = await side.store.registerPod({ id: newPodId(), name: "gpu-2", transportKey: "n2", via: "tailnet" });
    const other = { ...side.agent, bootId: newBootId() };
    side.transport.agents.set(row.id, other);
    side.sessions.add(row);
    side.sessions.add(row);
    await until(() => side.sessions.live().length === 2);
    expect(side.sessions.live().map(({ name }) => name).toSorted()).toEqual(["gpu-1", "gpu-2"]);
  });

  it("begins another one with a pod that is for development now, which the planner then leaves alone", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    side.agent.report(reportOf(side.lastStart(), "running"));
    await until(async () => (await side.job(id)).state === "running");
    const dev = { id: newPodId(), name: "gpu-1", transportKey: "gpu-1", dev: true };
    side.sessions.add(await side.store.registerPod(dev));
    await until(() => side.sessions.live()[0]?.dev === true);
    expect(side.sessions.live()).toHaveLength(1);
    expect(side.live().epoch).toBe(2);
    // What runs there already is seen through.
    expect(await side.job(id)).toMatchObject({ state: "running", losses: 0 });
    expect(await side.sessions.remove(side.podId)).toBe(true);
    expect(side.sessions.live()).toEqual([]);
  });
});
