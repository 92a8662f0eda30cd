// What operators ask of a pod's ComfyUI, with a real agent process and the stand-in.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LogEvent } from "../../../contracts/agent/comfy.ts";
import { AgentProcess, until } from "./agent-process.ts";
import { finalReport, imageGraph, newAttemptId, order, slowGraph } from "./orders.ts";

let agent: AgentProcess;
beforeAll(async () => {
  agent = await (await new AgentProcess().start()).ready();
});
afterAll(async () => await agent[Symbol.asyncDispose]());

/** Reads events until one of them is a line with these words. */
async function readUntil(words: string, lastEventId: string | null) {
  const events: { id: string; data: LogEvent }[] = [];
  const stop = new AbortController();
  const stream = agent.client.comfy.followLogs.subscribe({ lines: 50, lastEventId }, { signal: stop.signal });
  for await (const event of stream) {
    events.push({ id: event.id, data: event.data });
    if (event.data.type === "line" && event.data.line.text.includes(words)) break;
  }
  stop.abort();
  return events;
}

const numbers = (events: { data: LogEvent }[]) =>
  events.flatMap(({ data }) => (data.type === "line" ? [data.line.number] : []));

describe("comfy.*", () => {
  it("logs and followLogs have what ComfyUI prints; a cut stream resumes with nothing missed", async () => {
    const page = await agent.client.comfy.logs.query({});
    expect(page.lines.at(-1)?.number).toBeGreaterThan(0);
    expect(page.lines.some(({ text }) => text.includes("To see the GUI"))).toBe(true);
    const attemptId = newAttemptId();
    await agent.client.attempts.start.mutate(order(imageGraph(), { attemptId }));
    const first = await readUntil("got prompt", null);
    await finalReport(agent, attemptId);
    const second = newAttemptId();
    await agent.client.attempts.start.mutate(order(imageGraph(), { attemptId: second }));
    const rest = await readUntil("got prompt", first.at(-1)?.id ?? null);
    const all = [...numbers(first), ...numbers(rest)];
    expect(all).toEqual(all.map((_, index) => (all[0] ?? 0) + index));
    await finalReport(agent, second);
  });

  it("free asks ComfyUI", async () => {
    expect(await agent.client.comfy.free.mutate()).toMatchObject({ status: "asked" });
  });

  it("restart refuses to lose a run; told to, it starts another life and reports the run as lost", async () => {
    const before = (await agent.client.comfy.status.query()).generation?.id;
    const attemptId = newAttemptId();
    await agent.client.attempts.start.mutate(order(slowGraph(2_000), { attemptId }));
    await until(async () => {
      const { state } = await agent.client.attempts.get.query({ attemptId });
      return state === "running" || null;
    }, () => agent.log);
    const refusal = await agent.client.comfy.restart.mutate({}).then(() => null, (error: unknown) => error);
    expect(refusal).toMatchObject({ data: { fleet: { code: "conflict" } } });
    const done = await agent.client.comfy.restart.mutate({ running: "lose", reason: "a test" });
    expect(done).toMatchObject({
      status: "restarting",
      endedGeneration: before,
      attempts: [{ attemptId, fate: "lost" }],
    });
    expect(await finalReport(agent, attemptId)).toMatchObject({ state: "lost" });
    const after = await until(async () => {
      const report = await agent.client.comfy.status.query();
      return report.takesJobs ? report : null;
    }, () => agent.log);
    expect(after.generation?.id).not.toBe(before);
    expect(after.message).toContain("An operator asked for it: a test.");
    const { lines } = await agent.client.comfy.logs.query({ lines: 2_000 });
    expect(lines.filter(({ text }) => text.includes("To see the GUI"))).toHaveLength(2);
  });
});
