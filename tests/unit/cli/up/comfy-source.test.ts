import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../../agent/config.ts";
import { chooseComfy, describeComfy } from "../../../../cli/up/comfy-source.ts";
import { planProcesses } from "../../../../cli/up/plan.ts";

const URL_1 = "http://127.0.0.1:1";
const COMMAND = '["python3","main.py"]';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "comfyfleet-source-"));
  writeFileSync(join(directory, "main.py"), "");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("chooseComfy()", () => {
  it("is the stand-in where nothing is named, and where it is asked for", () => {
    expect(chooseComfy(undefined, {})).toEqual({ kind: "fake" });
    expect(chooseComfy("fake", { COMFYUI_URL: URL_1, COMFYUI_DIR: directory })).toEqual({ kind: "fake" });
  });

  it("attaches to COMFYUI_URL, with its files on disk where COMFYUI_DIR names them", () => {
    expect(chooseComfy(undefined, { COMFYUI_URL: URL_1 })).toEqual({ kind: "attach", url: URL_1 });
    const both = { kind: "attach", url: URL_1, directory: "/elsewhere" };
    expect(chooseComfy(undefined, { COMFYUI_URL: URL_1, COMFYUI_DIR: "/elsewhere" })).toEqual(both);
    expect(chooseComfy(URL_1, { COMFYUI_URL: "http://other", COMFYUI_DIR: "/elsewhere" })).toEqual(both);
    expect(describeComfy(chooseComfy(URL_1, { COMFYUI_DIR: "/elsewhere" }))).toContain("/elsewhere");
  });

  it("starts COMFYUI_COMMAND, alone or in COMFYUI_DIR", () => {
    expect(chooseComfy(undefined, { COMFYUI_COMMAND: COMMAND })).toEqual({ kind: "command", command: COMMAND });
    expect(chooseComfy("/elsewhere", { COMFYUI_COMMAND: COMMAND })).toEqual({
      kind: "command",
      command: COMMAND,
      directory: "/elsewhere",
    });
    expect(chooseComfy(URL_1, { COMFYUI_COMMAND: COMMAND })).toEqual({ kind: "attach", url: URL_1 });
  });

  it("starts the ComfyUI in a folder, the flag's before the variable's", () => {
    const env = { COMFYUI_DIR: "/other", COMFYUI_URL: URL_1, COMFYUI_PYTHON: "/bin/python" };
    expect(chooseComfy(directory, env)).toEqual({ kind: "directory", directory, python: "/bin/python" });
    expect(chooseComfy(undefined, { COMFYUI_DIR: directory })).toEqual({ kind: "directory", directory, python: null });
  });

  it("refuses a folder that is no ComfyUI, and both a URL and a command", () => {
    expect(() => chooseComfy("/nowhere", {})).toThrow("it has no main.py");
    expect(() => chooseComfy(undefined, { COMFYUI_URL: URL_1, COMFYUI_COMMAND: COMMAND })).toThrow("both set");
  });

  it("gives the agent a configuration that it takes, whatever is chosen", () => {
    const envs: Record<string, string>[] = [
      {},
      { COMFYUI_DIR: directory },
      { COMFYUI_URL: URL_1 },
      { COMFYUI_URL: URL_1, COMFYUI_DIR: "/elsewhere" },
      { COMFYUI_COMMAND: COMMAND },
      { COMFYUI_COMMAND: COMMAND, COMFYUI_DIR: "/elsewhere" },
    ];
    for (const env of envs) {
      const [agent] = planProcesses({
        ...{ dataDir: "data", ports: { edge: 1, agent: 2, comfy: 3 }, listenHost: "127.0.0.1", deno: null, env },
        ...{ node: "node", comfy: chooseComfy(undefined, env), agentSecret: "s".repeat(32), bootstrapKey: "cfl_key" },
      });
      const { COMFYUI_DIR, COMFYUI_URL, COMFYUI_COMMAND } = parseConfig(agent?.env ?? {}, () => "");
      if (Object.keys(env).length > 0) {
        expect({ COMFYUI_DIR, COMFYUI_URL, COMFYUI_COMMAND: COMFYUI_COMMAND && JSON.stringify(COMFYUI_COMMAND) })
          .toEqual({ COMFYUI_DIR: undefined, COMFYUI_URL: undefined, COMFYUI_COMMAND: undefined, ...env });
      }
    }
  });
});
