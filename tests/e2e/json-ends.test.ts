/** However a command with --json ends, the last line on standard output is its one envelope. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliProcess, envelopeOf, jsonLines, runCli, startCli } from "../support/fleet/cli.ts";
import { until } from "../support/fleet/fleet.ts";
import { killLeftovers } from "../support/fleet/leftovers.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

describe("--json", () => {
  let cwd: string;
  let up: CliProcess;
  beforeAll(async () => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-json-")));
    writeFileSync(join(cwd, "quick.json"), JSON.stringify(quick()));
    writeFileSync(join(cwd, "slow.json"), JSON.stringify(slow(2_000)));
    const env = { COMFYUI_ARGS: JSON.stringify(["--step-ms", "20"]) };
    up = startCli(["up", "--json", "--port", "0", "--runtime", "node"], { cwd, env });
    await until("up to be ready", () => up.stdout().includes("\n") || null, 45_000);
  });
  afterAll(async () => {
    up.signal("SIGTERM");
    await up.ended();
    killLeftovers(cwd);
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Envelopes among the lines; the others are events. */
  function envelopes(stdout: string): unknown[] {
    return jsonLines({ stdout }).filter((line) => typeof line === "object" && line !== null && "schema" in line);
  }

  it("ends a watch that Ctrl-C leaves, and a run, with the job that goes on", async () => {
    const running = startCli(["run", "slow.json", "--json"], { cwd });
    const jobId = await until("the job to run", async () => {
      const { data } = JSON.parse((await runCli(["jobs", "ls", "--json", "--state", "running"], { cwd })).stdout);
      return data.items[0]?.id ?? null;
    });
    const watching = startCli(["jobs", "watch", jobId, "--json"], { cwd });
    await until("progress", () => watching.stdout().includes('"progress"') || null);
    for (const command of [watching, running]) {
      command.signal("SIGINT");
      const { code, stdout, stderr } = await command.ended();
      expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
      expect(envelopes(stdout)).toHaveLength(1);
      expect(envelopeOf({ stdout })).toMatchObject({ ok: true, data: { jobId, state: "detached" } });
    }
    expect((await runCli(["jobs", "cancel", jobId, "--json"], { cwd })).code).toBe(0);
  });

  it("names the path and the job where the outputs cannot be written, and does not try for ever", async () => {
    const { code, stdout } = await runCli(["run", "quick.json", "--json", "-o", "/proc/nothing"], { cwd });
    expect(code).toBe(2);
    expect(envelopes(stdout)).toHaveLength(1);
    expect(envelopeOf({ stdout })).toMatchObject({
      error: {
        code: "invalid_input",
        message: expect.stringContaining("/proc/nothing"),
        details: { jobId: expect.stringMatching(/^job_/) },
      },
    });
  });
});
