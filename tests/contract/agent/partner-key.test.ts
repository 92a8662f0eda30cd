// A partner key and a real agent process: it reaches the node, and neither the agent's files, its log nor its answers.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { outputPath } from "../../../contracts/agent/routes.ts";
import { freePort } from "../../support/fleet/free-port.ts";
import { digestOf, filesWith, KEY, probeGraph } from "../../support/partner-key.ts";
import { AgentProcess, until } from "./agent-process.ts";
import { finalReport, newAttemptId, order, slowGraph } from "./orders.ts";

let agent: AgentProcess;
let comfyUrl: string;
beforeEach(async () => {
  const port = await freePort();
  comfyUrl = `http://127.0.0.1:${port}`;
  const args = JSON.stringify(["--partner-node"]);
  agent = await (await new AgentProcess({ COMFYUI_ARGS: args, COMFYUI_PORT: String(port), LOG_LEVEL: "debug" }).start())
    .ready();
});
afterEach(async () => await agent[Symbol.asyncDispose]());

async function run(act: Parameters<typeof probeGraph>[0], partnerKey?: string) {
  const attempt = order(probeGraph(act), partnerKey === undefined ? {} : { partnerKey });
  await agent.client.attempts.start.mutate(attempt);
  return await finalReport(agent, attempt.attemptId);
}

/** ComfyUI's own log is its own: what its nodes print stands there. */
function filesWithKey(): string[] {
  return filesWith(agent.stateDir, [KEY]).filter((path) => !path.endsWith("comfyui.log"));
}

async function logged(text: string): Promise<void> {
  await until(() => agent.log.includes(text) || null, () => agent.log);
}

async function saidByComfy(): Promise<string> {
  const texts = await Promise.all(["/history", "/queue", "/api/jobs"].map(async (path) => {
    return await (await fetch(`${comfyUrl}${path}`, { signal: AbortSignal.timeout(5_000) })).text();
  }));
  return texts.join("\n");
}

describe("a partner key", () => {
  it("reaches the node that asks for it, and nobody else", async () => {
    const { state, attemptId, outputs } = await run("digest", KEY);
    expect(state).toBe("succeeded");
    expect(outputs).toHaveLength(1);
    expect(await (await agent.fetch(outputPath(attemptId, 0))).text()).toBe(digestOf(KEY));
    const without = await run("digest");
    expect(await (await agent.fetch(outputPath(without.attemptId, 0))).text()).toBe(digestOf(""));
    expect(filesWith(agent.stateDir, [attemptId])).not.toEqual([]);
    expect(filesWithKey()).toEqual([]);
    await logged(attemptId);
    expect(agent.log).not.toContain(KEY);
    expect(await saidByComfy()).not.toContain(KEY);
  });

  it("is not among the lines of ComfyUI's log that operators read, though a node printed it", async () => {
    await run("print", KEY);
    const page = await until(async () => {
      const { lines } = await agent.client.comfy.logs.query({});
      return lines.some(({ text }) => text.includes("the key is")) ? lines : null;
    }, () => agent.log);
    expect(page.map(({ text }) => text)).toContain("the key is [redacted]");
    expect(JSON.stringify(page)).not.toContain(KEY);
    expect(filesWithKey()).toEqual([]);
  });

  it("is not in the error of a node that fails with it", async () => {
    const { state, attemptId, error } = await run("raise", KEY);
    expect(state).toBe("failed");
    expect(error?.message).toContain("the key is [redacted]");
    await logged("the key is [redacted]");
    expect(agent.log).not.toContain(KEY);
    await agent.client.attempts.release.mutate({ attemptId });
    expect(filesWithKey()).toEqual([]);
  });

  it("is gone with an agent that is killed: what ComfyUI has goes on, what it has not is lost", async () => {
    const first = order(slowGraph(400), { partnerKey: KEY });
    await agent.client.attempts.start.mutate(first);
    const second = order(probeGraph("digest"), { partnerKey: KEY, after: first.attemptId });
    await agent.client.attempts.start.mutate(second);
    await until(async () => {
      const { state } = await agent.client.attempts.get.query({ attemptId: first.attemptId });
      return state === "running" || null;
    }, () => agent.log);
    await agent.end("SIGKILL");
    await agent.start();
    expect(await finalReport(agent, first.attemptId)).toMatchObject({ state: "succeeded" });
    expect(await finalReport(agent, second.attemptId)).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
    expect(agent.promptsTaken()).toBe(1);
    expect(filesWithKey()).toEqual([]);
  });

  it("that is no text of 1 to 1,024 characters is refused without being repeated", async () => {
    const long = `${KEY}${"x".repeat(1_000)}`;
    const attempt = order(probeGraph("digest"), { attemptId: newAttemptId(), partnerKey: long });
    const refusal = await agent.client.attempts.start.mutate(attempt).then(() => null, (error: unknown) => error);
    expect(refusal).toMatchObject({ data: { fleet: { code: "invalid_input" } } });
    expect(JSON.stringify(refusal)).not.toContain(KEY);
    expect(agent.log).not.toContain(KEY);
  });
});
