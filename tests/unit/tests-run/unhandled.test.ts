/** What nobody handled fails a run, and is in no report of vitest's: it must be counted all the same. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { readUnhandled, UNHANDLED_PATH } from "../../run/unhandled.ts";
import UnhandledReporter from "../../run/unhandled-reporter.ts";

const folder = mkdtempSync(join(tmpdir(), "comfyfleet-unhandled-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("the reporter keeps what nobody handled for the one who reads it next", async () => {
  const path = join(folder, "unit.unhandled");
  vi.stubEnv(UNHANDLED_PATH, path);
  try {
    await new UnhandledReporter().onTestRunEnd([], [], "passed");
    expect(existsSync(path)).toBe(false);
    await new UnhandledReporter().onTestRunEnd([], [{ message: "left alone" }], "failed");
    expect(await readUnhandled(path)).toEqual(["left alone"]);
    expect(await readUnhandled(path)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
  }
});
