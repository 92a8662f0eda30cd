/** `comfyfleet up --comfyui URL`: a fleet on a ComfyUI that somebody else started, and that goes on without it. */
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childrenOf, envelopeOf, runCli, startCli } from "../support/fleet/cli.ts";
import { until } from "../support/fleet/fleet.ts";
import { killLeftovers, processesNaming } from "../support/fleet/leftovers.ts";
import { quick } from "../support/fleet/workflows.ts";
import { startComfy, type StartedComfy } from "../support/real-comfy/start.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

function picturesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".png"));
}

describe("comfyfleet up --comfyui URL", () => {
  let cwd: string;
  let comfy: StartedComfy;
  beforeEach(async () => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-attach-")));
    writeFileSync(join(cwd, "quick.json"), JSON.stringify(quick()));
    const program: { argv: [string, ...string[]]; cwd: string } = {
      argv: [process.execPath, "fake-comfy/main.ts"],
      cwd: REPOSITORY,
    };
    comfy = await startComfy({ program, readyTimeoutMs: 20_000 });
  });
  afterEach(async () => {
    killLeftovers(cwd);
    await comfy?.stop();
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  it("runs a workflow on it, starts none of its own, and leaves it running", async () => {
    const up = startCli(["up", "--comfyui", comfy.url, "--port", "0", "--json"], { cwd });
    await until("up to be ready", () => up.stdout().includes("\n") || null, 45_000);
    expect(envelopeOf({ stdout: up.stdout() })).toMatchObject({ ok: true, data: { baseUrl: expect.any(String) } });
    const children = childrenOf(up.pid).map(({ pid }) => pid);
    expect(children).toHaveLength(2);
    expect(children.flatMap((pid) => childrenOf(pid))).toEqual([]);

    const ran = await runCli(["run", "quick.json", "--json"], { cwd });
    expect(ran.code, ran.stdout).toBe(0);
    expect(envelopeOf(ran)).toMatchObject({
      ok: true,
      data: { state: "succeeded", outputs: [{ contentType: "image/png" }] },
    });
    expect(picturesIn(join(comfy.baseDir, "output"))).toHaveLength(1);

    up.signal("SIGTERM");
    expect((await up.ended()).code).toBe(0);
    expect(processesNaming(cwd)).toEqual([]);
    const answer = await fetch(`${comfy.url}/prompt`, { signal: AbortSignal.timeout(5_000) });
    expect(answer.status).toBe(200);
  });
});
