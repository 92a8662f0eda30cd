// What a kill of the agent or of ComfyUI does to an attempt, with real processes.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { AgentProcess, killAndWait, until } from "./agent-process.ts";
import { finalReport, imageGraph, order, POD_ID, previewGraph, reportWhen, slowGraph } from "./orders.ts";

describe("after a kill", () => {
  let agent: AgentProcess | null = null;
  afterEach(async () => {
    await agent?.[Symbol.asyncDispose]();
    agent = null;
  });

  it("the restarted agent adopts ComfyUI, and the attempt succeeds without running twice", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(300));
    await agent.client.attempts.start.mutate(start);
    const before = await reportWhen(agent, start.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    const pid = agent.comfyPid();
    await agent.end("SIGKILL");
    await agent.start();
    const resumed = await agent.client.attempts.get.query({ attemptId: start.attemptId });
    expect(resumed).toMatchObject({ state: "running", startedAt: before.startedAt });
    const report = await finalReport(agent, start.attemptId);
    expect(report).toMatchObject({ state: "succeeded", outputs: [{ name: "slow_00001_.png" }] });
    expect(agent.comfyPid()).toBe(pid);
    expect(agent.promptsTaken()).toBe(1);
    expect((await agent.fetch(`/attempts/${start.attemptId}/outputs/0`)).status).toBe(200);
  });

  it("an attempt that succeeded while the agent was dead is collected by the next one", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(100));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    await agent.end("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded" });
    expect(agent.promptsTaken()).toBe(1);
  });

  it("an attempt behind the killed agent's running one still runs", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const first = order(slowGraph(150));
    const second = order(imageGraph(), { after: first.attemptId });
    await agent.client.attempts.start.mutate(first);
    await agent.client.attempts.start.mutate(second);
    await agent.end("SIGKILL");
    await agent.start();
    expect(await finalReport(agent, second.attemptId)).toMatchObject({ state: "succeeded" });
    expect(await finalReport(agent, first.attemptId)).toMatchObject({ state: "succeeded" });
    expect(agent.promptsTaken()).toBe(2);
  });

  it("an attempt whose ComfyUI is killed is lost, and the slot is ready again", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(2_000));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ progress }) => (progress?.value ?? 0) > 0);
    const pid = agent.comfyPid();
    await killAndWait(pid);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
    await agent.replaced(pid);
    const again = order(imageGraph());
    await agent.client.attempts.start.mutate(again);
    expect(await finalReport(agent, again.attemptId)).toMatchObject({ state: "succeeded" });
  });

  it("an attempt is lost when agent and ComfyUI are killed together", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(2_000));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    const pid = agent.comfyPid();
    await agent.end("SIGKILL");
    await killAndWait(pid);
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "lost" });
  });

  it("outputs that ComfyUI keeps in its temporary folder are collected by the next agent", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(previewGraph());
    await agent.client.attempts.start.mutate(start);
    const { outputs } = await finalReport(agent, start.attemptId);
    const pid = agent.comfyPid();
    if (pid === null) throw new Error("No ComfyUI is there");
    await agent.end("SIGKILL");
    agent.uncollect();
    process.kill(pid, "SIGSTOP");
    setTimeout(() => process.kill(pid, "SIGCONT"), 500);
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded", outputs });
    expect(agent.comfyPid()).toBe(pid);
  });

  it("an agent that cannot write its journal ends, and the next one collects what ComfyUI went on with", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(100));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    const pid = agent.comfyPid();
    const other = new DatabaseSync(join(agent.stateDir, "journal.db"));
    other.exec("begin immediate");
    const { log } = await until(
      () => (agent?.log.includes("agent ends: its journal") ? agent : null),
      () => "it lives",
    );
    expect(log).toContain("database is locked");
    await agent.end("SIGKILL");
    other.close();
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded" });
    expect([agent.comfyPid(), agent.promptsTaken()]).toEqual([pid, 1]);
  });

  it("identity, epoch and finished outputs are the same after a restart", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(imageGraph(), { epoch: 7 });
    await agent.client.attempts.start.mutate(start);
    const report = await finalReport(agent, start.attemptId);
    const { bootId } = await agent.client.pod.describe.query();
    await agent.end("SIGKILL");
    await agent.start();
    expect(await agent.client.pod.describe.query()).toMatchObject({ bootId, podId: POD_ID });
    expect(await agent.client.attempts.get.query({ attemptId: start.attemptId })).toEqual(report);
    expect((await agent.fetch(`/attempts/${start.attemptId}/outputs/1`)).status).toBe(200);
    await expect(agent.client.attempts.start.mutate(order(imageGraph(), { epoch: 6 }))).rejects.toMatchObject({
      data: { fleet: { code: "stale_epoch" } },
    });
  });
});

describe("a stop", () => {
  let agent: AgentProcess | null = null;
  afterEach(async () => {
    await agent?.[Symbol.asyncDispose]();
    agent = null;
  });

  it("ends streams and ComfyUI in under two seconds", async () => {
    agent = await (await new AgentProcess().start()).ready();
    const start = order(slowGraph(2_000));
    await agent.client.attempts.start.mutate(start);
    const controller = new AbortController();
    const events: unknown[] = [];
    const reading = (async () => {
      const options = { signal: controller.signal };
      const stream = agent.client.pod.watch.subscribe(undefined, options);
      for await (const event of stream) events.push(event);
    })().catch(() => undefined);
    await until(() => (events.length > 0 ? true : null), () => "no event");
    const pid = agent.comfyPid();
    expect(await agent.end("SIGTERM")).toBeLessThan(2_000);
    controller.abort();
    await reading;
    expect(pid).not.toBeNull();
    expect(agent.comfyPid()).toBeNull();
  });

  it("leaves ComfyUI to the next agent when told so, and the attempt goes on", async () => {
    agent = await (await new AgentProcess({ AGENT_ON_STOP: "leave" }).start()).ready();
    const start = order(slowGraph(200));
    await agent.client.attempts.start.mutate(start);
    await reportWhen(agent, start.attemptId, ({ state }) => state === "running");
    expect(await agent.end("SIGTERM")).toBeLessThan(2_000);
    await agent.start();
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded" });
    expect(agent.promptsTaken()).toBe(1);
  });

  it("ends at once at a second signal, when ComfyUI does not heed the first", async () => {
    const deaf = 'process.on("SIGINT", () => {}); console.log("deaf"); setInterval(() => {}, 1000)';
    const command = JSON.stringify([process.execPath, "-e", deaf, "--"]);
    const { stateDir } = agent = await new AgentProcess({ COMFYUI_COMMAND: command }).start();
    const path = join(stateDir, "comfy/comfyui.log");
    // The agent listens before it has started ComfyUI.
    const log = () => (existsSync(path) ? readFileSync(path, "utf8") : "");
    await until(() => (log().includes("deaf") ? true : null), log);
    const ending = agent.end("SIGTERM");
    await until(() => (agent?.log.includes("agent stopping") ? true : null), () => agent?.log ?? "");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await agent.end("SIGTERM");
    expect(await ending).toBeLessThan(5_000);
  });

  it("makes way for one agent at a time: a second on the same state directory refuses to start", async () => {
    agent = await new AgentProcess().start();
    const second = new AgentProcess({ AGENT_STATE_DIR: agent.stateDir });
    await expect(second.start()).rejects.toThrow(/another agent is using it/);
  });
});
