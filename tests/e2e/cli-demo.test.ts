/** `comfyfleet demo`, as a stranger runs it: one command, one picture, nothing left running. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../support/fleet/cli.ts";
import { demoPictureDifference } from "../support/fleet/demo-picture.ts";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";
import { processesNaming } from "../support/fleet/leftovers.ts";
import { differenceFromRecording } from "../support/real-comfy/compare-pictures.ts";

describe("comfyfleet demo", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "comfyfleet-demo-")));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true, maxRetries: 5 }));

  it.each(EDGE_RUNTIMES)(
    "--json --runtime %s ends with one line, and its picture is the recorded one",
    async (runtime) => {
      const result = await runCli(["demo", "--json", "--runtime", runtime], { cwd });
      expect(await demoPictureDifference(result, cwd)).toBeLessThanOrEqual(2);
      expect(processesNaming(cwd)).toEqual([]);
    },
  );

  it("shows progress without colour where no terminal is, and says where the picture is and what to try", async () => {
    // Sixty steps in three seconds, so that some are told before the end on a machine with much else to do.
    const env = { COMFYUI_ARGS: JSON.stringify(["--step-ms", "50"]) };
    const { code, stdout, stderr } = await runCli(["demo", "-o", "pictures"], { cwd, env });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^Job job_\w+ succeeded, .* from submit to stored result\.$/m);
    const [, path = ""] = /^Saved (.*) \(\d+ bytes\)$/m.exec(stdout) ?? [];
    expect(path).toBe(join(cwd, "pictures", "postcard_00001_.png"));
    expect(await differenceFromRecording(readFileSync(path), "workflow-postcard-0.png")).toBeLessThanOrEqual(2);
    expect(stdout).toMatch(/^Try next:$/m);
    expect(stderr).toMatch(/^ *\d+% {2}node \d+\/\d+ ColorTransfer step \d+\/60$/m);
    expect(stdout + stderr).not.toContain("\x1b");
  });

  it("refuses an unknown runtime with exit code 2", async () => {
    const { code, stderr } = await runCli(["demo", "--runtime", "bun"], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/deno, node/);
  });
});
