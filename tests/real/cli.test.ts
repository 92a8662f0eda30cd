// The command with a real ComfyUI on the CPU: the demo's picture, and a fleet that leaves nothing behind.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { childrenOf, envelopeOf, runCli, startCli } from "../support/fleet/cli.ts";
import { demoPictureDifference } from "../support/fleet/demo-picture.ts";
import { killLeftovers, processesNaming } from "../support/fleet/leftovers.ts";
import { until } from "../support/fleet/until.ts";
import { gradientPath, invert } from "../support/fleet/workflows.ts";
import { isRunning } from "../support/comfy/supervised.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";
import { ensureRealComfy, type RealComfy } from "../support/real-comfy/setup.ts";

/** Loading torch and every node takes a minute where the page cache is cold. */
const TIMEOUT_MS = 150_000;
/** ColorTransfer may differ by rounding from machine to machine, in 255ths. */
const TOLERANCE = 2;
/** Threads that spin for each other would time two cores, and not the command. */
const ONE_THREAD = { COMFYUI_ENV: JSON.stringify({ OMP_NUM_THREADS: "1" }) };

/** Where this machine keeps, or names, the ComfyUI of the suite; nothing on a machine that sets nothing. */
function suiteSettings(): Record<string, string> {
  const names = ["COMFYFLEET_CACHE", "XDG_CACHE_HOME", "COMFYUI_DIR", "COMFYUI_PYTHON"];
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]).filter(([, value]) => value !== ""));
}

/** What ComfyUI said; only the real one names its torch. */
function comfyLog(cwd: string): string {
  const data = join(cwd, ".comfyfleet");
  const logs = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("comfyui.log"));
  return logs.map((name) => readFileSync(join(data, name), "utf8")).join("\n");
}

const Saved = z.object({ outputs: z.array(z.object({ path: z.string() })).length(1) });

describe("the command with a real ComfyUI", () => {
  let comfy: RealComfy;
  let cwd: string;
  beforeAll(async () => {
    comfy = await ensureRealComfy();
  });
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-real-cli-")));
  });
  afterEach(() => {
    killLeftovers(cwd);
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  it("demo --real finds the one that was set up, and its picture is the recorded one", async () => {
    const env = { ...suiteSettings(), ...ONE_THREAD };
    const result = await runCli(["demo", "--real", "--json"], { cwd, env, timeoutMs: TIMEOUT_MS });
    expect(comfyLog(cwd)).toContain("pytorch version: ");
    expect(await demoPictureDifference(result, cwd)).toBeLessThanOrEqual(TOLERANCE);
    expect(processesNaming(cwd)).toEqual([]);
  });

  it("demo uses the one that COMFYUI_DIR and COMFYUI_PYTHON name", async () => {
    // With a home of its own there is no set-up to find.
    const env = { HOME: cwd, COMFYUI_DIR: comfy.comfyuiDir, COMFYUI_PYTHON: comfy.python, ...ONE_THREAD };
    const result = await runCli(["demo", "--real", "--json"], { cwd, env, timeoutMs: TIMEOUT_MS });
    expect(comfyLog(cwd)).toContain("pytorch version: ");
    expect(await demoPictureDifference(result, cwd)).toBeLessThanOrEqual(TOLERANCE);
    expect(processesNaming(cwd)).toEqual([]);
  });

  it("up --comfyui DIR runs a workflow, and SIGTERM leaves nothing running", async () => {
    const env = { COMFYUI_PYTHON: comfy.python, COMFYUI_ARGS: '["--cpu"]', ...ONE_THREAD };
    const args = ["up", "--comfyui", comfy.comfyuiDir, "--port", "0", "--json"];
    const up = startCli(args, { cwd, env, timeoutMs: TIMEOUT_MS });
    await until("up to be ready", () => up.stdout().includes("\n") || null, TIMEOUT_MS);
    expect(envelopeOf({ stdout: up.stdout() })).toMatchObject({ ok: true, data: { baseUrl: expect.any(String) } });
    const children = childrenOf(up.pid).map(({ pid }) => pid);
    const started = [...children, ...children.flatMap((pid) => childrenOf(pid)).map(({ pid }) => pid)];
    expect(started).toHaveLength(3);

    const workflow = join(cwd, "invert.json");
    writeFileSync(workflow, JSON.stringify(invert()));
    const ran = await runCli(["run", workflow, "--input", `Picture.image=@${gradientPath}`, "--json"], { cwd });
    expect(ran.code, ran.stdout).toBe(0);
    const envelope = envelopeOf(ran);
    const { outputs: [output] } = Saved.parse(envelope.ok ? envelope.data : null);
    const bytes = readFileSync(resolve(cwd, output?.path ?? ""));
    expect(await differenceFromRecording(bytes, "workflow-invert-upload-0.png")).toBe(0);

    up.signal("SIGTERM");
    expect((await up.ended()).code).toBe(0);
    expect(started.filter(isRunning)).toEqual([]);
    expect(processesNaming(cwd)).toEqual([]);
  });
});
