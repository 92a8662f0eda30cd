// Outputs that the agent reports while the run goes on, with real processes.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttemptReport } from "../../../contracts/attempt.ts";
import { AgentProcess } from "./agent-process.ts";
import { finalReport, firstThenSlowGraph, imageGraph, order, reportWhen, sha256Of } from "./orders.ts";

describe("early outputs", () => {
  let agent: AgentProcess;
  beforeAll(async () => {
    agent = await (await new AgentProcess().start()).ready();
  });
  afterAll(async () => await agent[Symbol.asyncDispose]());

  async function hashOf({ attemptId }: AttemptReport, index: number): Promise<string> {
    const response = await agent.fetch(`/attempts/${attemptId}/outputs/${index}`);
    expect(response.status).toBe(200);
    return sha256Of(new Uint8Array(await response.arrayBuffer()));
  }

  it("are there with their bytes before the end, and keep their index in the final list", async () => {
    const start = order(firstThenSlowGraph(300));
    await agent.client.attempts.start.mutate(start);
    const early = await reportWhen(agent, start.attemptId, ({ outputs }) => outputs.length > 0);
    expect(early).toMatchObject({ state: "running", outputs: [{ index: 0, nodeId: "7", name: "first_00001_.png" }] });
    expect(await hashOf(early, 0)).toBe(early.outputs[0]?.sha256);
    expect((await agent.fetch(`/attempts/${start.attemptId}/outputs/1`)).status).toBe(404);

    const end = await finalReport(agent, start.attemptId);
    expect(end.outputs.map(({ index, nodeId }) => [index, nodeId])).toEqual([[1, "5"], [0, "7"]]);
    expect(end.outputs[1]).toEqual(early.outputs[0]);
    for (const { index, sha256 } of end.outputs) expect(await hashOf(end, index)).toBe(sha256);
  });

  it("are the same list as of a run that was not watched, down to the bytes", async () => {
    const graph = firstThenSlowGraph(80);
    const ends: AttemptReport[] = [];
    // The second one's work is in ComfyUI's cache, so that it ends before anything is reported early.
    for (let run = 0; run < 2; run += 1) {
      const start = order(graph);
      await agent.client.attempts.start.mutate(start);
      ends.push(await finalReport(agent, start.attemptId));
    }
    const [slow, quick] = ends.map(({ outputs }) => outputs.map((output) => ({ ...output, index: null })));
    expect(ends.map(({ cached }) => cached)).toEqual([false, true]);
    expect(ends[1]?.outputs.map(({ index }) => index)).toEqual([0, 1]);
    expect(slow).toEqual(quick);
  });

  it("reach the edge over pod.watch, and nobody of a run that is over at once", async () => {
    const cut = new AbortController();
    const told: AttemptReport[] = [];
    const watching = new Promise<void>((resolve, reject) => {
      const subscription = agent.client.pod.watch.subscribe(undefined, {
        onData: (event) => {
          if (event.type === "attempt") told.push(event.report);
        },
        onStarted: () => resolve(),
        onError: reject,
      });
      cut.signal.addEventListener("abort", () => subscription.unsubscribe());
    });
    await watching;
    const [slow, quick] = [order(firstThenSlowGraph(150)), order(imageGraph())];
    for (const start of [slow, quick]) {
      await agent.client.attempts.start.mutate(start);
      await finalReport(agent, start.attemptId);
    }
    await reportWhen(agent, quick.attemptId, () => told.some(({ attemptId }) => attemptId === quick.attemptId));
    cut.abort();
    const early = (id: string) =>
      told.some(({ attemptId, state, outputs }) => attemptId === id && state === "running" && outputs.length > 0);
    expect([early(slow.attemptId), early(quick.attemptId)]).toEqual([true, false]);
  });

  it("are known to the next agent after a kill in mid-run", async () => {
    const start = order(firstThenSlowGraph(500));
    await agent.client.attempts.start.mutate(start);
    const before = await reportWhen(agent, start.attemptId, ({ outputs }) => outputs.length > 0);
    await agent.end("SIGKILL");
    await agent.start();
    const after = await agent.client.attempts.get.query({ attemptId: start.attemptId });
    expect(after).toMatchObject({ state: "running", outputs: before.outputs });
    expect(after.rev).toBeGreaterThan(before.rev);
    expect(await hashOf(after, 0)).toBe(before.outputs[0]?.sha256);
    const end = await finalReport(agent, start.attemptId);
    expect(end.outputs.map(({ index, nodeId }) => [index, nodeId])).toEqual([[1, "5"], [0, "7"]]);
    expect(end.outputs[1]).toEqual(before.outputs[0]);
  });
});
