import { describe, expect, it } from "vitest";
import { ConfigError, healthSocketOf, parseConfig } from "../../../agent/config.ts";

const SECRET = "x".repeat(16);
const noFile = (path: string): string => {
  throw new Error(`no ${path}`);
};
const parse = (env: Record<string, string>, readFile = noFile) =>
  parseConfig({ AGENT_SECRET: SECRET, COMFYUI_DIR: "/comfy", ...env }, readFile);

describe("parseConfig()", () => {
  it("has a default for everything but the secret and the ComfyUI", () => {
    expect(parse({})).toMatchObject({
      AGENT_LISTEN: { host: "127.0.0.1", port: 8189 },
      AGENT_ON_STOP: "stop",
      COMFYUI_PYTHON: "python3",
      COMFYUI_PORT: 8188,
      COMFYUI_ARGS: [],
      AGENT_NVIDIA_SMI: "nvidia-smi",
      AGENT_GPU_SAMPLE_MS: 5_000,
      LOG_LEVEL: "info",
    });
  });

  it("names every problem at once", () => {
    const env = { AGENT_LISTEN: "nowhere", COMFYUI_ARGS: "--lowvram", LOG_LEVEL: "loud", AGENT_SECRET: "short" };
    expect(() => parse(env)).toThrow(ConfigError);
    for (const name of Object.keys(env)) expect(() => parse(env)).toThrow(new RegExp(`\n  ${name}: `));
    expect(() => parseConfig({}, noFile)).toThrow(/AGENT_SECRET: expected a secret/);
  });

  it("wants one ComfyUI and knows which", () => {
    expect(() => parse({ COMFYUI_DIR: "" })).toThrow(/expected one of COMFYUI_DIR, COMFYUI_COMMAND, COMFYUI_URL/);
    expect(() => parse({ COMFYUI_URL: "http://127.0.0.1:8188", COMFYUI_COMMAND: '["x"]' })).toThrow(/either/);
    expect(parse({ COMFYUI_COMMAND: '["node","main.js"]' }).COMFYUI_COMMAND).toEqual(["node", "main.js"]);
    expect(parse({ COMFYUI_URL: "http://127.0.0.1:8188" }).COMFYUI_URL).toBe("http://127.0.0.1:8188");
  });

  it("wants a long secret for an address that is not loopback", () => {
    expect(() => parse({ AGENT_LISTEN: "0.0.0.0:8189" })).toThrow(/AGENT_SECRET: expected 32 bytes or more/);
    const env = { AGENT_LISTEN: "[::]:0", AGENT_SECRET: "y".repeat(32) };
    expect(parse(env).AGENT_LISTEN).toEqual({ host: "::", port: 0 });
    expect(parse({ AGENT_LISTEN: "[::1]:1" }).AGENT_LISTEN.host).toBe("::1");
  });

  it("reads secrets from files, and says which it cannot read", () => {
    const readFile = (path: string) => (path === "/run/secret" ? `${"z".repeat(20)}\n` : noFile(path));
    expect(parse({ AGENT_SECRET: "file:/run/secret" }, readFile).AGENT_SECRET).toBe("z".repeat(20));
    expect(() => parse({ AGENT_SECRET: "file:/gone" }, readFile)).toThrow(/AGENT_SECRET: cannot read file:\/gone/);
  });

  it("refuses a health socket whose path is too long for the system", () => {
    expect(() => parse({ AGENT_STATE_DIR: `/${"d".repeat(100)}` })).toThrow(/AGENT_HEALTH_SOCKET/);
    expect(healthSocketOf(parse({ AGENT_STATE_DIR: "/state" }))).toBe("/state/health.sock");
  });
});
