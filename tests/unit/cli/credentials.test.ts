import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveCredentials, writeCredentials } from "../../../cli/credentials.ts";

const at = (env: Record<string, string>) => ({ env, command: "comfyfleet" });
const SAVED = { baseUrl: "http://127.0.0.1:8080", apiKey: "cfl_saved_admin" };

describe("resolveCredentials()", () => {
  let folder: string;
  const before = process.cwd();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-credentials-"));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });
  const save = () => writeCredentials(".comfyfleet", SAVED);

  it("returns what `up` saved, readable by its user only", () => {
    expect(statSync(save()).mode & 0o777).toBe(0o600);
    expect(resolveCredentials({}, at({}))).toEqual(SAVED);
  });

  it("sends the saved key to no other edge, whether a flag or the environment names it", () => {
    save();
    const elsewhere = "https://edge.example";
    for (const [flags, env] of [[{ url: elsewhere }, {}], [{}, { COMFYFLEET_URL: elsewhere }]] as const) {
      expect(() => resolveCredentials(flags, at(env))).toThrow(
        expect.objectContaining({ code: "unauthorized", hint: expect.stringContaining(SAVED.baseUrl) }),
      );
    }
    for (const url of ["http://127.0.0.1:8081", "https://127.0.0.1:8080", "http://127.0.0.1:8080/other"]) {
      expect(() => resolveCredentials({ url }, at({})), url).toThrow("no API key is known");
    }
  });

  it.each(["http://127.0.0.1:8080/", "HTTP://127.0.0.1:8080"])("knows its own edge as %s", (url) => {
    save();
    expect(resolveCredentials({ url }, at({}))).toEqual({ baseUrl: url, apiKey: SAVED.apiKey });
  });

  it("prefers flags to the environment and both to what was saved", () => {
    save();
    const env = { COMFYFLEET_URL: "http://env", COMFYFLEET_KEY: "cfl_env" };
    expect(resolveCredentials({}, at(env))).toEqual({ baseUrl: "http://env", apiKey: "cfl_env" });
    expect(resolveCredentials({ url: "http://flag", key: "cfl_flag" }, at(env))).toEqual({
      baseUrl: "http://flag",
      apiKey: "cfl_flag",
    });
  });

  it("says what to set where nothing names an edge", () => {
    expect(() => resolveCredentials({}, at({}))).toThrow(
      expect.objectContaining({ code: "unauthorized", hint: expect.stringContaining("COMFYFLEET_URL") }),
    );
  });
});
