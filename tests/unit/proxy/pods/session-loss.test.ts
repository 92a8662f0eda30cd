import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { BootId } from "../../../../contracts/ids.ts";
import { newBootId, newEdgeId } from "../store/samples.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "./pod-side.ts";

const EVERYTHING = /./;

/** A job that runs on the pod, known to both sides. */
async function runningJob(side: PodSide) {
  await side.start();
  const { id } = await side.submit();
  await side.dispatch(id);
  const order = side.lastStart();
  side.agent.changed();
  side.agent.report(reportOf(order, "running"));
  await until(async () => (await side.job(id)).state === "running");
  await side.advance(6_000);
  return { id, order };
}

function silence(side: PodSide): void {
  side.transport.faults.push({ path: EVERYTHING, fault: "lose_request", times: 1_000_000 });
  side.transport.cutAll();
}

function restore(side: PodSide): void {
  side.transport.faults.length = 0;
}

async function reachable(side: PodSide) {
  return (await side.store.getPod(side.podId))?.conditions.find(({ type }) => type === "Reachable")?.status;
}

describe("a silent pod", () => {
  it("gets no new work after two missed beats, and its jobs keep running", async () => {
    await using side = await setUpPodSide();
    const { id } = await runningJob(side);
    silence(side);
    await side.advance(2_000);
    expect(side.live().accepting).toBe(false);
    expect(side.lines.filter(({ message }) => message === "beat failed").length).toBeGreaterThanOrEqual(2);
    expect((await side.job(id)).state).toBe("running");
    restore(side);
    await side.advance(6_000);
    await until(() => side.live().accepting);
    expect((await side.job(id)).losses).toBe(0);
  });

  it("is unknown at 30 s, lost at 60 s, and its jobs are queued again then and not before", async () => {
    await using side = await setUpPodSide();
    const { id } = await runningJob(side);
    silence(side);
    await side.advance(24_000);
    expect(await reachable(side)).toBe("true");
    await side.advance(14_000);
    expect(await reachable(side)).toBe("unknown");
    await side.advance(16_000);
    expect((await side.job(id)).state).toBe("running");
    await side.advance(14_000);
    await until(async () => (await side.job(id)).state === "queued");
    expect(await side.job(id)).toMatchObject({ losses: 1, attempt: 1 });
    expect(await side.store.getPod(side.podId)).toMatchObject({ phase: "lost" });
    expect(side.live().accepting).toBe(false);
  });

  it("comes back from lost, and its late result is the job's when it is the first", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await runningJob(side);
    silence(side);
    await side.advance(75_000);
    await until(async () => (await side.job(id)).state === "queued");
    side.agent.attempts.set(order.attemptId, reportOf(order, "succeeded"));
    restore(side);
    await side.advance(6_000);
    await until(async () => (await side.job(id)).state === "succeeded");
    expect((await side.job(id)).winner).toBe(1);
    await until(async () => (await side.store.getPod(side.podId))?.phase === "ready");
    await until(() => side.agent.released.includes(order.attemptId));
  });

  it("is not charged for the time in which the edge itself stood still", async () => {
    await using side = await setUpPodSide();
    const { id } = await runningJob(side);
    side.transport.faults.push({ path: /pod\.beat/, fault: "lose_request", times: 1 });
    // One jump: no beat is tried in between, as in a process that was stopped for ten minutes.
    await side.clock.advance(1);
    const { nowMs, monotonicMs } = side.clock;
    side.clock.nowMs = () => nowMs() + 600_000;
    side.clock.monotonicMs = () => monotonicMs() + 600_000;
    side.sessions.nudge(side.podId);
    await side.advance(2_000);
    await until(() => side.live().accepting);
    expect(await side.job(id)).toMatchObject({ state: "running", losses: 0 });
  });
});

describe("a pod that forgot", () => {
  it("loses what it does not know any more, at the next beat", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await runningJob(side);
    side.agent.attempts.delete(order.attemptId);
    await side.advance(6_000);
    await until(async () => (await side.job(id)).state === "queued");
    const [event] = (await side.store.listEvents(id, 0)).filter((one) => one.state === "queued").slice(-1);
    expect(event?.reason).toBe("unknown_to_agent");
  });

  it("loses everything when its boot id is new", async () => {
    await using side = await setUpPodSide();
    const { id } = await runningJob(side);
    side.agent.bootId = BootId.parse(newBootId());
    side.agent.attempts.clear();
    side.transport.cutAll();
    await side.advance(1_000);
    await until(async () => (await side.job(id)).state === "queued");
    const [event] = (await side.store.listEvents(id, 0)).filter((one) => one.state === "queued").slice(-1);
    expect(event?.reason).toBe("pod_restarted");
    await until(() => side.live().bootId === side.agent.bootId);
  });

  it("does not lose an attempt whose start is still unanswered", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    side.transport.faults.push({ path: /attempts\.start/, fault: "hang", times: 1 });
    const accept = side.agent.onStart;
    side.agent.onStart = (order) => {
      const answer = accept(order);
      side.agent.attempts.delete(order.attemptId);
      return answer;
    };
    const dispatched = side.dispatch(id);
    await until(() => side.agent.starts.length === 1);
    await side.advance(6_000);
    expect(side.agent.beats.at(-1)?.known).toEqual([side.lastStart().attemptId]);
    expect((await side.job(id)).state).toBe("assigned");
    await side.advance(5_000);
    await dispatched;
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
  });
});

describe("a contested pod", () => {
  it("is left to the edge with the higher epoch and taken again when that lets go", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.agent.highestEpoch = 2;
    await side.advance(6_000);
    await until(() => side.sessions.live().length === 0);
    await side.advance(12_000);
    await until(() => side.sessions.live()[0]?.epoch === 2);
  });

  it("is given up when the store says that another edge has taken it", async () => {
    await using side = await setUpPodSide();
    await side.start();
    await side.store.releasePods(side.edgeId);
    const other = newEdgeId();
    expect(await side.store.takePod({ podId: side.podId, edgeId: other, leaseMs: 600_000 })).toEqual({ epoch: 2 });
    await side.advance(6_000);
    await until(() => side.sessions.live().length === 0);
    await side.advance(30_000);
    expect(side.sessions.live()).toEqual([]);
    await side.store.releasePods(other);
    await side.advance(12_000);
    await until(() => side.sessions.live()[0]?.epoch === 3);
  });

  it("is taken as soon as the lease of an edge that died has ended", async () => {
    await using side = await setUpPodSide();
    await side.store.takePod({ podId: side.podId, edgeId: newEdgeId(), leaseMs: 3_000 });
    side.sessions.start();
    await side.advance(2_750);
    expect(side.agent.beats).toEqual([]);
    await side.advance(500);
    await until(() => side.sessions.live()[0]?.epoch === 2);
  });

  it("survives a store that fails", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { recordBeat } = side.store;
    side.store.recordBeat = () => Promise.reject(new Error("database is locked"));
    await side.advance(6_000);
    await until(() => side.lines.some(({ message }) => message === "pod session failed"));
    side.store.recordBeat = recordBeat;
    await side.advance(6_000);
    await until(() => side.sessions.live()[0]?.accepting);
  });
});

describe("an agent that will not work with this edge", () => {
  it("is shown as incompatible and gets neither beats nor work", async () => {
    await using side = await setUpPodSide();
    side.agent.protocol = { min: 7, max: 9 };
    side.sessions.start();
    await side.advance(1_000);
    expect(side.sessions.live()).toEqual([]);
    expect(side.agent.beats).toEqual([]);
    const pod = await side.store.getPod(side.podId);
    expect(pod?.conditions.find(({ type }) => type === "ProtocolCompatible")).toMatchObject({
      status: "false",
      message: expect.stringContaining("7 to 9"),
    });
    side.agent.protocol = { min: 1, max: 9 };
    await side.advance(6_000);
    await until(() => side.sessions.live()[0]?.accepting);
  });

  it("is shown with the reason when it belongs to another pod id", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.agent.onDescribe = () => {
      throw new FleetError("wrong_pod", "Cannot beat: this agent belongs to another pod");
    };
    side.transport.faults.push({ path: /pod\.beat/, fault: "lose_answer", times: 1 });
    side.sessions.nudge(side.podId);
    await side.advance(500);
    await until(async () => await reachable(side) === "false");
    const pod = await side.store.getPod(side.podId);
    expect(pod?.conditions.find(({ type }) => type === "Reachable")).toMatchObject({ reason: "WrongPod" });
  });
});
