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

  describe("the tailnet", () => {
    const on = (env: Record<string, string>, exists = (_path: string) => false) =>
      parseConfig({ COMFYUI_DIR: "/comfy", ...env }, noFile, exists);

    it("is on where there is a key, a daemon, or the state of one that has joined, and off elsewhere", () => {
      expect(parse({}).ENABLE_TAILSCALE).toBe(false);
      expect(on({ TS_AUTHKEY: "tskey-auth-x" }).ENABLE_TAILSCALE).toBe(true);
      expect(on({ TS_SOCKET: "/run/ts.sock" }).ENABLE_TAILSCALE).toBe(true);
      const seen: string[] = [];
      const exists = (path: string) => seen.push(path) > 0;
      expect(on({ AGENT_STATE_DIR: "/state" }, exists).ENABLE_TAILSCALE).toBe(true);
      expect(seen).toEqual(["/state/tailnet/tailscaled.state"]);
    });

    it("is as ENABLE_TAILSCALE says where that says something", () => {
      expect(parse({ ENABLE_TAILSCALE: "0", TS_AUTHKEY: "k" }).ENABLE_TAILSCALE).toBe(false);
      expect(on({ ENABLE_TAILSCALE: "1" }).ENABLE_TAILSCALE).toBe(true);
      expect(() => on({ ENABLE_TAILSCALE: "0" })).toThrow(/AGENT_SECRET: expected a secret/);
    });

    it("needs no secret, and does not read the key's file, which may be gone", () => {
      const config = on({ TS_AUTHKEY: "file:/gone" });
      expect([config.TS_AUTHKEY, config.AGENT_SECRET]).toEqual(["file:/gone", undefined]);
    });

    it("wants the one address where tailscaled hands callers over, and a socket's path that systems take", () => {
      expect(() => on({ TS_SOCKET: "/s", AGENT_LISTEN: "0.0.0.0:8189" })).toThrow(/AGENT_LISTEN: expected 127.0.0.1/);
      expect(() => on({ TS_SOCKET: "/s", AGENT_LISTEN: "[::1]:8189" })).toThrow(/AGENT_LISTEN: expected 127.0.0.1/);
      const long = { AGENT_STATE_DIR: `/${"d".repeat(85)}` };
      expect(() => on({ TS_AUTHKEY: "k", ...long })).toThrow(/AGENT_STATE_DIR: expected a shorter path/);
      expect(on({ TS_SOCKET: "/s", ...long }).TS_SOCKET).toBe("/s");
    });

    it("refuses names that are none", () => {
      expect(() => on({ TS_AUTHKEY: "k", TS_HOSTNAME: "pod_1" })).toThrow(/TS_HOSTNAME/);
      expect(() => on({ TS_AUTHKEY: "k", TAILNET_CAPABILITY: "invoke" })).toThrow(/TAILNET_CAPABILITY/);
      expect(() => on({ TS_AUTHKEY: "k", TS_CONTROL_URL: "headscale.example" })).toThrow(/TS_CONTROL_URL/);
    });
  });
});
