import { describe, expect, it } from "vitest";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import { toAgentError } from "../../../../proxy/pods/agent-error.ts";
import { readyCondition, reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "./pod-side.ts";

interface BeatJson {
  conditions: unknown[];
  attempts: { attemptId: string }[];
}

/** Lets the agent answer beats that the contract of this version does not know. */
function changeBeats(side: PodSide, change: (beat: BeatJson) => void): void {
  const { fetch } = side.agent;
  side.agent.fetch = async (request) => {
    const response = await fetch(request);
    if (!request.url.includes("/pod.beat")) return response;
    const body = await response.json() as { result?: { data: { json: BeatJson } } };
    if (body.result) change(body.result.data.json);
    return Response.json(body, { status: response.status });
  };
}

/** Two jobs that run on the pod. */
async function twoRunning(side: PodSide) {
  side.agent.slots = [0, 1].map((index) => ({ index, ready: true, attemptId: null }));
  await side.start();
  const jobs = [await side.submit(), await side.submit()];
  for (const { id } of jobs) {
    await side.dispatch(id);
    side.agent.report(reportOf(side.lastStart(), "running"));
  }
  await side.advance(6_000);
  const [a, b] = side.agent.starts;
  if (!a || !b) throw new Error("the agent was not told to start two");
  return { a, b };
}

describe("an agent that is a version ahead", () => {
  it("stays a pod when it has a condition more", async () => {
    await using side = await setUpPodSide();
    changeBeats(side, (beat) => beat.conditions.unshift({ ...readyCondition(), type: "Weather" }));
    await side.start();
    await side.advance(70_000);
    const pod = await side.store.getPod(side.podId);
    expect(pod).toMatchObject({ phase: "ready" });
    expect(pod?.conditions.map(({ type }) => type)).toEqual(["ProtocolCompatible", "Reachable", "ComfyReady"]);
    expect(side.live().accepting).toBe(true);
  });

  it("ends a job with an error code more: the job fails as internal, with the agent's words", async () => {
    await using side = await setUpPodSide({ attempts: { maxLosses: 0 } });
    await side.start();
    const { id } = await side.submit();
    await side.dispatch(id);
    const error = { code: "quantum_flip", message: "Cannot hold still" };
    side.agent.report({ ...reportOf(side.lastStart(), "failed"), error } as unknown as AttemptReport);
    await until(async () => (await side.job(id)).state === "failed");
    expect((await side.job(id)).error).toEqual({ code: "internal", message: "Cannot hold still" });
  });

  it("refuses a call with an error code more: it is internal, with the agent's words", async () => {
    await using side = await setUpPodSide();
    const envelope = new FleetError("conflict", "Cannot hold still").toEnvelope();
    side.agent.fetch = () =>
      Promise.resolve(Response.json({ error: { ...envelope, code: "quantum_flip" } }, { status: 409 }));
    const failure = await side.agents.client(side.podId).pod.describe.query().then(() => null, toAgentError);
    expect(failure).toMatchObject({ code: "internal", message: "Cannot hold still" });
  });

  it("with one report that cannot be read, the others count, and its attempt is lost only after a minute", async () => {
    await using side = await setUpPodSide();
    const { a, b } = await twoRunning(side);
    changeBeats(side, (beat) => {
      beat.attempts = beat.attempts.map((one) => one.attemptId === a.attemptId ? { ...one, state: "paused" } : one);
    });
    side.agent.attempts.set(b.attemptId, reportOf(b, "succeeded"));
    await side.advance(30_000);
    expect((await side.job(b.jobId)).state).toBe("succeeded");
    expect((await side.job(a.jobId)).state).toBe("running");
    const warnings = side.lines.filter(({ message }) => message.startsWith("report not understood"));
    expect(warnings).toMatchObject([{ data: { attempt: a.attemptId, why: expect.stringContaining("state") } }]);
    await side.advance(40_000);
    await until(async () => (await side.job(a.jobId)).state === "queued");
    expect((await side.job(a.jobId)).losses).toBe(1);
  });

  it("is forgiven a report that becomes readable again", async () => {
    await using side = await setUpPodSide();
    const { a } = await twoRunning(side);
    let paused = true;
    changeBeats(side, (beat) => {
      if (paused) beat.attempts = beat.attempts.map((one) => ({ ...one, state: "paused" }));
    });
    await side.advance(50_000);
    paused = false;
    await side.advance(10_000);
    paused = true;
    await side.advance(50_000);
    expect(await side.job(a.jobId)).toMatchObject({ state: "running", losses: 0 });
  });
});
