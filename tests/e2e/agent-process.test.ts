/** The agent as a process: its health socket, its configuration, one per state directory. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryPath } from "../../cli/up/entry.ts";
import { startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { overSocket } from "../support/fleet/over-socket.ts";
import { type ManagedProcess, manageProcess } from "../support/fleet/process.ts";

describe("an agent process", () => {
  let fleet: TestFleet;
  let socket: string;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime: "deno" });
    socket = join(fleet.dataDir, "agent", "health.sock");
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  function agentWith(name: string, env: Record<string, string>): ManagedProcess {
    return manageProcess({
      command: [process.execPath, entryPath("agent/main")],
      env: { PATH: process.env.PATH, ...env },
      logPath: join(fleet.dataDir, "logs", `${name}.log`),
    });
  }

  it("serves /livez and /readyz on a socket of its user, without a secret, and nothing else there", async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await overSocket(socket, "/livez")).toMatchObject({ status: 200 });
    const ready = await overSocket(socket, "/readyz");
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body)).toMatchObject({ status: "ok", comfy: "ready" });
    for (const path of ["/", "/trpc/pod.describe", "/inputs/x", "/object-info/x", "/metrics-not"]) {
      expect((await overSocket(socket, path)).status, path).toBe(404);
    }
  });

  it("keeps its folders to its user", () => {
    for (const folder of ["agent", "agent/comfy", "agent/inputs", "agent/attempts"]) {
      expect(statSync(join(fleet.dataDir, folder)).mode & 0o077, folder).toBe(0);
    }
  });

  it("refuses a second agent on its state directory, and goes on", async () => {
    const second = agentWith("second", {
      AGENT_STATE_DIR: join(fleet.dataDir, "agent"),
      AGENT_SECRET: "x".repeat(32),
      AGENT_LISTEN: "127.0.0.1:0",
      COMFYUI_COMMAND: JSON.stringify([process.execPath, entryPath("fake-comfy/main")]),
      COMFYUI_PORT: "0",
    });
    expect(await second.ended()).toBe(1);
    expect(second.log()).toMatch(/^Cannot .*: .*\n {2}\S/m);
    expect((await overSocket(socket, "/livez")).status).toBe(200);
  });

  it("names every problem of its configuration at once, and ends with code 1", async () => {
    const wrong = agentWith("wrong", {
      AGENT_LISTEN: "0.0.0.0:8189",
      AGENT_SECRET: "only-sixteen-bytes",
      COMFYUI_ARGS: "--cpu",
      COMFYUI_PORT: "high",
      AGENT_POLL_MS: "0",
    });
    expect(await wrong.ended()).toBe(1);
    for (const name of ["COMFYUI_ARGS", "COMFYUI_PORT", "AGENT_POLL_MS"]) {
      expect(wrong.log()).toMatch(new RegExp(`^  ${name}: \\S`, "m"));
    }
    expect(wrong.log()).not.toMatch(/\n\s+at /);
  });

  it("refuses to listen beyond this machine with a short secret", async () => {
    const open = agentWith("open", {
      AGENT_LISTEN: "0.0.0.0:0",
      AGENT_SECRET: "only-sixteen-bytes",
      COMFYUI_COMMAND: '["true"]',
    });
    expect(await open.ended()).toBe(1);
    expect(open.log()).toMatch(/^ {2}AGENT_SECRET: .*32 bytes/m);
  });

  it("ends at SIGTERM with code 0, and takes its ComfyUI and its socket with it", async () => {
    const comfy = fleet.comfyPid();
    const { code } = await fleet.agent.terminate();
    expect(code).toBe(0);
    await until("ComfyUI to be gone", () => !existsSync(`/proc/${comfy}`) || null);
    await expect(overSocket(socket, "/livez")).rejects.toThrow();
  });
});
