import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentEnvironment } from "../../../../cli/agent/start.ts";
import { healthSocketPath } from "../../../../cli/agent/health-socket.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "comfyfleet-home-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function withComfy(): string {
  const folder = join(home, "ComfyUI");
  mkdirSync(folder);
  writeFileSync(join(folder, "main.py"), "");
  return folder;
}

describe("agentEnvironment()", () => {
  it("leaves what names a ComfyUI as it is", () => {
    withComfy();
    for (const name of ["COMFYUI_DIR", "COMFYUI_URL", "COMFYUI_COMMAND"]) {
      const env = { [name]: "given", TS_HOSTNAME: "pod-1" };
      expect(agentEnvironment(env, { home })).toEqual(env);
    }
  });

  it("finds the one in the home folder, with the caller's Python; nothing is made up where there is none", () => {
    expect(agentEnvironment({ A: "1" }, { home })).toEqual({ A: "1" });
    const folder = withComfy();
    const env = { COMFYUI_PYTHON: "/venv/bin/python", COMFYUI_PORT: "9000", A: "1" };
    expect(agentEnvironment(env, { home })).toEqual({ ...env, COMFYUI_DIR: folder });
  });

  it("takes the flag's word over the environment's", () => {
    const env = agentEnvironment({ COMFYUI_DIR: "/elsewhere" }, { comfyui: "fake", home });
    expect(env).toMatchObject({ COMFYUI_COMMAND: expect.stringContaining("fake-comfy"), COMFYUI_PORT: "8188" });
    expect(env).not.toHaveProperty("COMFYUI_DIR");
    expect(() => agentEnvironment({}, { comfyui: home, home })).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });
});

describe("healthSocketPath()", () => {
  it("goes by the flag, then by the agent's own variables", () => {
    const env = { AGENT_HEALTH_SOCKET: "/run/h.sock", AGENT_STATE_DIR: "/state" };
    expect(healthSocketPath({ state: "/flag", env })).toBe("/flag/health.sock");
    expect(healthSocketPath({ env })).toBe("/run/h.sock");
    expect(healthSocketPath({ env: { AGENT_STATE_DIR: "/state" } })).toBe("/state/health.sock");
    expect(healthSocketPath({ env: {} })).toMatch(/\.comfyfleet\/agent\/health\.sock$/);
  });
});
