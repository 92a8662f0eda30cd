// The agent dies, ComfyUI lives: the next agent takes it over, or ends it, and never touches what is not its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createGenerationJournal } from "../../../agent/comfy/generation-journal.ts";
import { createProcessTable } from "../../../agent/comfy/process/process-table.ts";
import { atEnd, cleanUp, isRunning, startSupervised, temporaryFolder } from "../../support/comfy/supervised.ts";
import { slowGraph } from "./graphs.ts";

const signal = new AbortController().signal;

afterEach(cleanUp);

/** Starts an agent of its own process and kills it once its ComfyUI is ready. Returns ComfyUI's pid. */
async function agentThatDied(stateDir: string, args: string[] = []): Promise<number> {
  const agent = spawn(process.execPath, ["tests/support/comfy/agent-process.ts", stateDir, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(agent, "exit");
  const [line] = await once(createInterface(agent.stdout), "line");
  agent.kill("SIGKILL");
  await exited;
  const pid = Number(String(line).split(" ")[1]);
  atEnd(() => {
    if (isRunning(pid)) process.kill(-pid, "SIGKILL");
  });
  return pid;
}

/** A process of somebody else that stays until the test ends. */
async function foreignProcess(): Promise<number> {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  await once(child, "spawn");
  atEnd(() => void child.kill("SIGKILL"));
  return child.pid ?? 0;
}

function journaled(stateDir: string, generation: { port: number; pid: number | null; startTime?: string }) {
  const journal = createGenerationJournal(join(stateDir, "journal.sqlite"));
  const nonce = crypto.randomUUID();
  journal.begin({ id: "old", clientId: "old-client", nonce, port: generation.port, startedAtMs: 1 });
  if (generation.pid !== null) journal.spawned("old", { pid: generation.pid, startTime: generation.startTime ?? "1" });
  journal.close();
  return nonce;
}

/** Why each generation ended, the newest first; null: it has not. */
function endReasons(stateDir: string): unknown[] {
  using db = new DatabaseSync(join(stateDir, "journal.sqlite"), { readOnly: true });
  const rows = db.prepare("SELECT end_reason FROM comfy_generation ORDER BY started_at_ms DESC").all();
  return rows.map(({ end_reason }) => end_reason);
}

describe("adoption", () => {
  it("keeps the process, its generation and client, and the run that is going on", async () => {
    const stateDir = temporaryFolder();
    const pid = await agentThatDied(stateDir, ["--step-ms", "10"]);
    const journal = createGenerationJournal(join(stateDir, "journal.sqlite"));
    const [before] = journal.open();
    journal.close();
    const promptId = crypto.randomUUID();
    const body = { prompt: slowGraph(200), prompt_id: promptId, client_id: before?.clientId };
    await fetch(`http://127.0.0.1:${before?.port}/prompt`, { method: "POST", body: JSON.stringify(body) });
    const adopter = startSupervised({ stateDir });
    const status = await adopter.reach("ready");
    expect(status).toMatchObject({
      reason: "Adopted",
      generation: { id: before?.id, clientId: before?.clientId, startedAtMs: before?.startedAtMs, adopted: true },
    });
    expect(adopter.pid()).toBe(pid);
    await vi.waitFor(() => expect(adopter.messages.some(({ type }) => type === "step")).toBe(true), 5_000);
    await vi.waitFor(() => expect(adopter.messages.at(-1)).toEqual({ type: "finished", promptId }), 10_000);
    expect(await adopter.comfy.api.lookup(promptId, signal)).toMatchObject({ status: "succeeded" });
  });

  it("sees an adopted process die, and stops one that lives", async () => {
    const stateDir = temporaryFolder();
    const pid = await agentThatDied(stateDir);
    const adopter = startSupervised({ stateDir });
    await adopter.reach("ready");
    process.kill(pid, "SIGKILL");
    const since = adopter.statuses.length;
    expect(await adopter.reach("backoff", since)).toMatchObject({ reason: "Crashed" });
    expect((await adopter.reach("ready", since)).generation?.adopted).toBe(false);
    const other = temporaryFolder();
    const otherPid = await agentThatDied(other);
    const stopper = startSupervised({ stateDir: other });
    await stopper.reach("ready");
    await stopper.comfy.stop();
    await vi.waitFor(() => expect(isRunning(otherPid)).toBe(false));
  });

  it("ends a process of ours that does not answer, and starts anew", async () => {
    const stateDir = temporaryFolder();
    const pid = await agentThatDied(stateDir);
    process.kill(pid, "SIGSTOP");
    const adopter = startSupervised({
      stateDir,
      timings: { adoptWithinMs: 600, requestTimeoutMs: 300, stopGraceMs: 200 },
    });
    expect((await adopter.reach("ready")).generation?.adopted).toBe(false);
    expect(isRunning(pid)).toBe(false);
    expect(endReasons(stateDir)).toEqual([null, "NotAdopted"]);
  });

  it("starts anew when the process ended while no agent looked, and writes that down", async () => {
    const stateDir = temporaryFolder();
    const pid = await agentThatDied(stateDir);
    process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false));
    const adopter = startSupervised({ stateDir });
    expect((await adopter.reach("ready")).generation?.adopted).toBe(false);
    expect(endReasons(stateDir)).toEqual([null, "GoneWhileAgentWasDown"]);
  });

  it("stopped in the middle of an adoption ends the process all the same", async () => {
    const stateDir = temporaryFolder();
    const pid = await agentThatDied(stateDir);
    process.kill(pid, "SIGSTOP");
    const adopter = startSupervised({ stateDir, timings: { requestTimeoutMs: 300, stopGraceMs: 200 } });
    await adopter.comfy.stop();
    expect(isRunning(pid)).toBe(false);
    expect(adopter.journal.open()).toEqual([]);
  });

  it("finds a process whose agent died before it wrote the pid down", async () => {
    const stateDir = temporaryFolder();
    const nonce = journaled(stateDir, { port: 9, pid: null });
    const child = spawn("sh", ["-c", "sleep 300", nonce], { detached: true, stdio: "ignore" });
    await once(child, "spawn");
    const exited = once(child, "exit");
    const adopter = startSupervised({ stateDir, timings: { adoptWithinMs: 300, stopGraceMs: 200 } });
    await adopter.reach("ready");
    await exited;
  });
});

describe("a foreign process", () => {
  it("on the recorded pid is neither adopted nor killed", async () => {
    const stateDir = temporaryFolder();
    const pid = await foreignProcess();
    journaled(stateDir, { port: 9, pid, startTime: "not its start time" });
    const { reach } = startSupervised({ stateDir });
    expect((await reach("ready")).generation).toMatchObject({ adopted: false });
    expect(isRunning(pid)).toBe(true);
  });

  it("on the recorded port is not adopted, however much it looks like ComfyUI", async () => {
    const stateDir = temporaryFolder();
    const stats = { system: { comfyui_version: "0.33.0", argv: ["main.py"] }, devices: [] };
    const foreign = createServer((_request, response) => response.end(JSON.stringify(stats)));
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    atEnd(() => {
      foreign.closeAllConnections();
      foreign.close();
    });
    const { port } = foreign.address() as AddressInfo;
    // Our own process, alive, but somebody else answers on its port.
    const pid = await foreignProcess();
    const info = await createProcessTable().inspect(pid);
    journaled(stateDir, { port, pid, startTime: info?.startTime ?? "" });
    const adopter = startSupervised({ stateDir, timings: { stopGraceMs: 200 } });
    expect((await adopter.reach("ready")).generation).toMatchObject({ adopted: false });
    expect(foreign.listening).toBe(true);
  });
});
