import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "../../../cli/program.ts";

let folder: string;
let server: Server | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "comfyfleet-program-"));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

async function program(argv: string[], env: Record<string, string> = {}, interrupted = new AbortController().signal) {
  const text = { stdout: "", stderr: "" };
  const code = await runProgram(argv, {
    version: "1.2.3",
    command: "comfyfleet",
    env,
    terminal: {
      stdout: { write: (chunk) => (text.stdout += chunk) },
      stderr: { write: (chunk) => (text.stderr += chunk) },
    },
    interrupted,
  });
  return { code, ...text };
}

/** An edge that takes every request and answers none; resolves at the first. */
async function silentEdge(): Promise<{ env: Record<string, string>; asked: Promise<void> }> {
  let onAsked = () => {};
  const asked = new Promise<void>((resolve) => (onAsked = resolve));
  const listening = createServer(() => onAsked());
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { env: { COMFYFLEET_URL: `http://127.0.0.1:${port}`, COMFYFLEET_KEY: "cfl_some_key" }, asked };
}

/** The one line on standard output. */
function envelope(stdout: string) {
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(stdout);
}

describe("runProgram() with --json", () => {
  it.each([
    [["conjure", "--json"], "unknown command 'conjure'"],
    [["run", "--json"], "missing required argument 'workflow'"],
    [["jobs", "ls", "--json", "--limit", "1000"], "Expected a whole number from 1 to 100"],
    [["jobs", "ls", "--json", "--what"], "unknown option '--what'"],
    [["jobs", "--json"], ""],
    [["--json"], ""],
  ])("answers %j with one envelope, code 2 and nothing else", async (argv, problem) => {
    const { code, stdout, stderr } = await program(argv);
    expect(code).toBe(2);
    expect(stderr).toBe("");
    expect(envelope(stdout)).toMatchObject({
      ok: false,
      error: {
        code: "invalid_input",
        message: expect.stringContaining(problem),
        hint: expect.stringContaining("--help"),
      },
    });
  });

  it("puts help and version into the envelope", async () => {
    const help = await program(["jobs", "ls", "--help", "--json"]);
    expect(help.code).toBe(0);
    expect(envelope(help.stdout)).toMatchObject({ ok: true, data: { text: expect.stringContaining("--cursor") } });
    const version = await program(["--version", "--json"]);
    expect(envelope(version.stdout)).toMatchObject({ ok: true, data: { text: "1.2.3\n" } });
  });

  it.each([
    ["run", (path: string) => ["run", path, "--json", "-o", path.replace("workflow.json", "out")]],
    ["jobs ls", () => ["jobs", "ls", "--json"]],
    ["jobs get", () => ["jobs", "get", "job_01jd8qf2e0f0x8j3m5p7q9s1tv", "--json"]],
    ["jobs watch", () => ["jobs", "watch", "job_01jd8qf2e0f0x8j3m5p7q9s1tv", "--json"]],
    ["jobs cancel", () => ["jobs", "cancel", "job_01jd8qf2e0f0x8j3m5p7q9s1tv", "--json"]],
  ])("%s that is interrupted while the edge is silent ends at once with one envelope", async (_name, argvOf) => {
    const path = join(folder, "workflow.json");
    writeFileSync(path, JSON.stringify({ "1": { class_type: "EmptyImage", inputs: {} } }));
    const { env, asked } = await silentEdge();
    const interrupt = new AbortController();
    const ended = program(argvOf(path), env, interrupt.signal);
    await asked;
    interrupt.abort(new DOMException("interrupted", "AbortError"));
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const told = envelope(stdout);
    if (told.ok) expect(told.data).toMatchObject({ state: "detached" });
    else expect(told.error).toMatchObject({ code: "canceled", message: expect.stringContaining("it was interrupted") });
  });
});

describe("runProgram()", () => {
  it("tells people of a wrong command line on standard error", async () => {
    const { code, stdout, stderr } = await program(["conjure"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/unknown command 'conjure'[^]*--help/);
  });

  it("run refuses a folder for its outputs that is none, before anything is submitted", async () => {
    const path = join(folder, "workflow.json");
    writeFileSync(path, "{}");
    const { code, stderr } = await program(["run", path, "-o", path], {
      COMFYFLEET_URL: "http://127.0.0.1:9",
      COMFYFLEET_KEY: "cfl_some_key",
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: Cannot save outputs in '.*workflow\.json': ENOTDIR/);
  });
});
