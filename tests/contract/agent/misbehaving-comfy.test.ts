// Attempts on a ComfyUI that loses messages, and on one that somebody else runs.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { AgentProcess, until } from "./agent-process.ts";
import { finalReport, imageGraph, inputOf, invertGraph, order, reportWhen, sha256Of, slowGraph } from "./orders.ts";

const PICTURE = readFileSync(new URL("../../fixtures/comfy/inputs/tiny.png", import.meta.url));
const STAND_IN = fileURLToPath(new URL("../../../fake-comfy/main.ts", import.meta.url));

let agent: AgentProcess | null = null;
let standIn: ChildProcess | null = null;
afterEach(async () => {
  await agent?.[Symbol.asyncDispose]();
  standIn?.kill("SIGKILL");
  agent = standIn = null;
});

async function startStandIn(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [STAND_IN, "--port", "0", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  standIn = child;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const match = await until(() => /To see the GUI go to: (http:\S+)/.exec(output), () => output);
  return match[1] ?? "";
}

describe("on a ComfyUI that says nothing of the end", () => {
  it("the attempt succeeds by the poll", async () => {
    const env = { COMFYUI_ARGS: '["--fault","lost-terminal-event"]' };
    agent = await (await new AgentProcess(env).start()).ready();
    const start = order(imageGraph());
    await agent.client.attempts.start.mutate(start);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded", progress: { value: 1 } });
  });
});

describe("on a ComfyUI whose node never ends", () => {
  it("a cancel ends ComfyUI after the grace time, and the slot is ready again", async () => {
    const env = { COMFYUI_ARGS: '["--fault","hang=run"]', AGENT_CANCEL_GRACE_MS: "500", COMFYUI_STOP_GRACE_MS: "300" };
    agent = await (await new AgentProcess(env).start()).ready();
    const start = order(imageGraph());
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    const pid = agent.comfyPid();
    await agent.client.attempts.cancel.mutate({ attemptId: start.attemptId });
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "canceled" });
    await agent.replaced(pid);
  });

  it("the attempt fails with no_progress, and ComfyUI is started anew", async () => {
    const env = { COMFYUI_ARGS: '["--fault","hang=run"]', AGENT_NO_PROGRESS_MS: "700", COMFYUI_STOP_GRACE_MS: "300" };
    agent = await (await new AgentProcess(env).start()).ready();
    const pid = agent.comfyPid();
    const start = order(imageGraph());
    await agent.client.attempts.start.mutate(start);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({
      state: "failed",
      error: { code: "no_progress" },
    });
    await agent.replaced(pid);
  });
});

describe("on a ComfyUI that somebody else runs", () => {
  it("inputs and outputs go over its API", async () => {
    agent = new AgentProcess({ COMFYUI_COMMAND: "", COMFYUI_URL: await startStandIn() });
    await (await agent.start()).ready();
    const input = inputOf(PICTURE, "tiny.png");
    await agent.fetch(`/inputs/${input.sha256}`, { method: "PUT", body: PICTURE });
    const start = order(invertGraph(input.assetId), { inputs: [input] });
    await agent.client.attempts.start.mutate(start);
    const report = await finalReport(agent, start.attemptId);
    expect(report).toMatchObject({ state: "succeeded", outputs: [{ name: "inverted_00001_.png" }] });
    const bytes = await (await agent.fetch(`/attempts/${start.attemptId}/outputs/0`)).arrayBuffer();
    expect(sha256Of(new Uint8Array(bytes))).toBe(report.outputs[0]?.sha256);
  });

  it("an attempt goes on when the agent is killed", async () => {
    agent = new AgentProcess({ COMFYUI_COMMAND: "", COMFYUI_URL: await startStandIn() });
    await (await agent.start()).ready();
    const start = order(slowGraph(200));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    await agent.end("SIGKILL");
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded" });
  });

  it("outputs are waited for while it does not answer a restarted agent", async () => {
    agent = new AgentProcess({ COMFYUI_COMMAND: "", COMFYUI_URL: await startStandIn() });
    await (await agent.start()).ready();
    const start = order(imageGraph());
    await agent.client.attempts.start.mutate(start);
    const { outputs } = await finalReport(agent, start.attemptId);
    await agent.end("SIGKILL");
    agent.uncollect();
    standIn?.kill("SIGSTOP");
    setTimeout(() => standIn?.kill("SIGCONT"), 6_000);
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded", outputs });
  });

  it("a cancel that it does not obey ends the attempt, and no other starts before its queue is free", async () => {
    const url = await startStandIn("--fault", "hang=run");
    const env = { COMFYUI_COMMAND: "", COMFYUI_URL: url, AGENT_CANCEL_GRACE_MS: "300" };
    agent = await (await new AgentProcess(env).start()).ready();
    const start = order(imageGraph());
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    await agent.client.attempts.cancel.mutate({ attemptId: start.attemptId });
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "canceled" });
    await expect(agent.client.attempts.start.mutate(order(imageGraph()))).rejects.toMatchObject({
      data: { fleet: { code: "comfy_unavailable" } },
    });
    const { status, body } = await agent.fetchHealth("/readyz");
    expect([status, body]).toEqual([503, expect.stringContaining("a prompt that was given up")]);
    standIn?.kill("SIGKILL");
    await startStandIn("--port", new URL(url).port);
    await agent.ready();
    expect(await agent.client.attempts.start.mutate(order(imageGraph()))).toEqual({ status: "accepted" });
  });

  it("an attempt is lost when that ComfyUI is killed", async () => {
    agent = new AgentProcess({ COMFYUI_COMMAND: "", COMFYUI_URL: await startStandIn() });
    await (await agent.start()).ready();
    const start = order(slowGraph(2_000));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    standIn?.kill("SIGKILL");
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "lost" });
  });
});
