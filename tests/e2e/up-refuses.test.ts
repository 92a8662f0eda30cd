/** A start of `up` that cannot succeed says why and what to do, long before the time for ComfyUI's start is over. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliResult, envelopeOf, runCli, startCli } from "../support/fleet/cli.ts";
import { until } from "../support/fleet/fleet.ts";
import { killLeftovers } from "../support/fleet/leftovers.ts";

describe("comfyfleet up", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-refuses-")));
  });
  afterEach(() => {
    killLeftovers(cwd);
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 });
  });

  const UP = ["up", "--port", "0", "--runtime", "node", "--json"];

  /** Starts, says which URL it gave, stops. */
  async function onceUp(...args: string[]): Promise<CliResult> {
    const up = startCli([...UP, ...args], { cwd });
    await until(`up to be ready: ${up.stderr()}`, () => up.stdout().includes("\n") || null, 45_000);
    up.signal("SIGTERM");
    return up.ended();
  }

  function remove(...names: string[]): void {
    for (const name of names) rmSync(join(cwd, ".comfyfleet", name), { recursive: true });
  }

  function refusal(result: CliResult) {
    const envelope = envelopeOf(result);
    return envelope.ok ? null : envelope.error;
  }

  it("says that the edge's store knows another key, and goes on with the saved one where there is one", async () => {
    await onceUp();
    remove("secrets.json");
    expect((await onceUp()).code).toBe(0);
    remove("secrets.json", "credentials.json");
    const refused = await runCli(UP, { cwd });
    expect(refused.code).toBe(3);
    expect(refusal(refused)).toMatchObject({
      code: "unauthorized",
      hint: expect.stringMatching(/Put the earlier .*secrets\.json back/),
    });
  });

  it("says that an edge without a pod wants a tailnet", async () => {
    const refused = await runCli([...UP, "--comfyui", "none"], { cwd });
    expect(refused.code).toBe(2);
    expect(refusal(refused)).toMatchObject({ code: "invalid_input", hint: expect.stringContaining("--tailnet") });
  });

  it("says that the agent belongs to another edge", async () => {
    await onceUp();
    remove("edge");
    const refused = await runCli(UP, { cwd });
    expect(refused.code).toBe(1);
    expect(refusal(refused)).toMatchObject({ code: "conflict", hint: expect.stringMatching(/not of one fleet/) });
    remove("agent");
    expect((await onceUp()).code).toBe(0);
  });

  it.each([["::1", "[::1]"], ["0.0.0.0", "127.0.0.1"], ["127.0.0.2", "127.0.0.2"]])(
    "listens on %s and is called at %s",
    async (host, called) => {
      const result = await onceUp("--host", host);
      expect(envelopeOf(result)).toMatchObject({ data: { baseUrl: expect.stringContaining(`http://${called}:`) } });
    },
  );

  it("quotes why a child cannot start", async () => {
    const { code, stdout } = await runCli(UP, { cwd, env: { POD_BEAT_MS: "never" } });
    expect(code).toBe(1);
    expect(refusal({ stdout, stderr: "", code })).toMatchObject({
      code: "comfy_unavailable",
      message: expect.stringMatching(/edge ended 6 times in a row .*its configuration is wrong; POD_BEAT_MS: /),
    });
  });
});
