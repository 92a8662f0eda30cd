// Attempts on a ComfyUI of before 0.5: it has no /api/jobs, so the queue and the history are all that can be asked.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { AgentProcess } from "./agent-process.ts";
import { finalReport, imageGraph, order, reportWhen, slowGraph } from "./orders.ts";

/** Its socket does not tell the end either, so that all that is known of it comes from a look-up. */
const OLD_AND_MUTE = JSON.stringify(["--fault", "no-jobs-api", "--fault", "lost-terminal-event"]);

async function expectNoJobsApi({ stateDir }: AgentProcess): Promise<void> {
  const log = readFileSync(join(stateDir, "comfy/comfyui.log"), "utf8");
  const [, url] = /To see the GUI go to: (http:\S+)/.exec(log) ?? [];
  expect((await fetch(`${url}/api/jobs`)).status).toBe(404);
  expect((await fetch(`${url}/api/jobs/x/cancel`, { method: "POST" })).status).toBe(405);
}

describe("on a ComfyUI without /api/jobs", () => {
  let agent: AgentProcess | null = null;
  afterEach(async () => {
    await agent?.[Symbol.asyncDispose]();
    agent = null;
  });

  async function startAgent(): Promise<AgentProcess> {
    const started = agent = await new AgentProcess({ COMFYUI_ARGS: OLD_AND_MUTE }).start();
    await started.ready();
    await expectNoJobsApi(started);
    return started;
  }

  it("an attempt succeeds by the history, with its outputs", async () => {
    const pod = await startAgent();
    const start = order(imageGraph());
    await pod.client.attempts.start.mutate(start);
    expect(await finalReport(pod, start.attemptId)).toMatchObject({
      state: "succeeded",
      outputs: [{ name: "picture_00001_.png" }, { name: "picture_00002_.png" }],
    });
  });

  it("a running attempt is canceled by an interrupt, without ComfyUI's death, and the next one runs", async () => {
    const pod = await startAgent();
    const pid = pod.comfyPid();
    const start = order(slowGraph(2_000));
    await pod.client.attempts.start.mutate(start);
    await reportWhen(pod, start.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    await pod.client.attempts.cancel.mutate({ attemptId: start.attemptId });
    expect(await finalReport(pod, start.attemptId)).toMatchObject({ state: "canceled" });
    const next = order(imageGraph());
    await pod.client.attempts.start.mutate(next);
    expect(await finalReport(pod, next.attemptId)).toMatchObject({ state: "succeeded" });
    expect(pod.comfyPid()).toBe(pid);
  });

  it("a waiting attempt is canceled, and the running one before it is not interrupted", async () => {
    const pod = await startAgent();
    const first = order(slowGraph(150));
    const second = order(imageGraph(), { after: first.attemptId });
    await pod.client.attempts.start.mutate(first);
    await pod.client.attempts.start.mutate(second);
    await reportWhen(pod, first.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    await pod.client.attempts.cancel.mutate({ attemptId: second.attemptId });
    expect(await finalReport(pod, second.attemptId)).toMatchObject({ state: "canceled" });
    expect(await finalReport(pod, first.attemptId)).toMatchObject({ state: "succeeded" });
  });

  it("a restarted agent finds a running prompt in the queue, and its end in the history", async () => {
    const pod = await startAgent();
    const start = order(slowGraph(300));
    await pod.client.attempts.start.mutate(start);
    await reportWhen(pod, start.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    const pid = pod.comfyPid();
    await pod.end("SIGKILL");
    await pod.start();
    expect(await pod.client.attempts.get.query({ attemptId: start.attemptId })).toMatchObject({ state: "running" });
    expect(await finalReport(pod, start.attemptId)).toMatchObject({
      state: "succeeded",
      outputs: [{ name: "slow_00001_.png" }],
    });
    expect([pod.comfyPid(), pod.promptsTaken()]).toEqual([pid, 1]);
  });

  it("a prompt that ended while no agent was there is found in the history", async () => {
    const pod = await startAgent();
    const start = order(slowGraph(100));
    await pod.client.attempts.start.mutate(start);
    await reportWhen(pod, start.attemptId, ({ state }) => state === "running");
    await pod.end("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await pod.start();
    expect(await finalReport(pod, start.attemptId)).toMatchObject({ state: "succeeded" });
    expect(pod.promptsTaken()).toBe(1);
  });
});
