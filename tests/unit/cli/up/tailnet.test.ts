import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinAsEdge, planTailnet, readAuthKey } from "../../../../cli/up/tailnet.ts";
import { startFakeLocalApi } from "../../../support/tailnet/fake-local-api.ts";
import { denoEdgeFlags } from "../../../../cli/up/entry.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "comfyfleet-tailnet-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("planTailnet()", () => {
  it("keeps the node below the edge's own folder, which an edge on Deno may open", () => {
    const { files, command, env, logPath } = planTailnet("data", { PATH: "/bin", TS_AUTHKEY: "tskey-x", PORT: "80" });
    expect(files.socket).toBe(resolve("data/edge/tailnet/tailscaled.sock"));
    expect(denoEdgeFlags(resolve("data/edge"))).toContain(`--allow-write=${resolve("data/edge")}`);
    expect(command[0]).toBe("tailscaled");
    expect(command.join(" ")).not.toMatch(/socks5|proxy/);
    expect(logPath).toBe(resolve("data/logs/tailscaled.log"));
    // It ends with its parent, and knows neither the key nor a port that was meant for somebody else.
    expect(env).toMatchObject({ PATH: "/bin", TS_PARENT_DEATH_FD: "3" });
    expect(env).not.toHaveProperty("TS_AUTHKEY");
    expect(env).not.toHaveProperty("PORT");
  });

  it("takes another program and a fixed port for WireGuard", () => {
    const { command } = planTailnet("data", { TAILSCALED: "/opt/tailscaled", TS_PORT: "41641" });
    expect(command[0]).toBe("/opt/tailscaled");
    expect(command).toContain("--port=41641");
  });

  it("refuses a folder whose socket nobody could open", () => {
    expect(() => planTailnet(`/${"long/".repeat(20)}`, {})).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining("--data") }),
    );
  });
});

describe("readAuthKey()", () => {
  it("takes no key from the command line, where others read it", () => {
    expect(() => readAuthKey({ authKey: "tskey-auth-x", env: {} })).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining("file:PATH") }),
    );
  });

  it("reads the flag's file, then the variable; a file that is gone is no key", () => {
    const path = join(folder, "key");
    writeFileSync(path, "tskey-auth-file\n");
    const env = { TS_AUTHKEY: "tskey-auth-env" };
    expect(readAuthKey({ authKey: `file:${path}`, env })).toBe("tskey-auth-file");
    expect(readAuthKey({ env })).toBe("tskey-auth-env");
    expect(readAuthKey({ env: { TS_AUTHKEY: `file:${path}` } })).toBe("tskey-auth-file");
    expect(readAuthKey({ authKey: `file:${path}.gone`, env })).toBeNull();
    expect(readAuthKey({ env: {} })).toBeNull();
  });

  it("says why a file that is there cannot be read, and whose it must be", () => {
    expect(() => readAuthKey({ authKey: `file:${folder}`, env: {} })).toThrow(expect.objectContaining({
      code: "invalid_input",
      message: `Cannot read the key: ${folder}: it is a folder`,
      hint: expect.stringContaining("chown"),
    }));
    const path = join(folder, "key-of-others");
    writeFileSync(path, "tskey-auth-file\n", { mode: 0o000 });
    // Root may read it all the same.
    const read = () => readAuthKey({ env: { TS_AUTHKEY: `file:${path}` } });
    if (process.getuid?.() === 0) expect(read()).toBe("tskey-auth-file");
    else expect(read).toThrow(`Cannot read the key: ${path}: permission denied`);
  });
});

describe("joinAsEdge()", () => {
  it.each([
    ["warns of a key that is in the environment itself", { env: { TS_AUTHKEY: "tskey-auth-x" } }, 1],
    ["is content with one in a file", { env: { TS_AUTHKEY: "file:/run/key" } }, 0],
    ["does not look at the variable where the flag counts", {
      authKey: "file:/run/key",
      env: { TS_AUTHKEY: "tskey-auth-x" },
    }, 0],
  ])("%s", async (_name, key, warnings) => {
    await using fake = await startFakeLocalApi();
    const said: string[] = [];
    await joinAsEdge(fake.socketPath, {
      ...key,
      timeoutMs: 5_000,
      signal: new AbortController().signal,
      say: (message) => void said.push(message),
      failed: new Promise<never>(() => {}),
    });
    const found = said.filter((line) => line.includes("TS_AUTHKEY holds the key itself") && line.includes("file:PATH"));
    expect(found).toHaveLength(warnings);
    expect(said.join()).not.toContain("tskey-auth-x");
  });
});

describe("denoEdgeFlags()", () => {
  it("lets the edge open the socket of a tailscaled that is elsewhere", () => {
    const flags = denoEdgeFlags("/data", "/run/tailscaled.sock");
    expect(flags).toContain("--allow-read=/data,/run/tailscaled.sock");
    expect(flags).toContain("--allow-write=/data,/run/tailscaled.sock");
  });
});
