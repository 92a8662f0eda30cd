import { appendFileSync, closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastWords, openChildLog } from "../../../../cli/up/child-log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "comfyfleet-log-"));
  path = join(folder, "logs", "agent.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(maxBytes?: number): number {
  const log = openChildLog(path, maxBytes);
  closeSync(log.fd);
  return log.startByte;
}

describe("openChildLog()", () => {
  it("appends, and moves a log over the limit to .1, over the one that was there", () => {
    expect(open()).toBe(0);
    writeFileSync(path, "x".repeat(10));
    expect(open(10)).toBe(10);
    expect(existsSync(`${path}.1`)).toBe(false);
    writeFileSync(`${path}.1`, "older");
    appendFileSync(path, "y");
    expect(open(10)).toBe(0);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("xxxxxxxxxxy");
    expect(readFileSync(path, "utf8")).toBe("");
  });
});

describe("lastWords()", () => {
  it("quotes the last line of this start, from JSON its message and error", () => {
    open();
    writeFileSync(path, "an earlier life\n");
    const start = open();
    expect(lastWords(path, start)).toBeNull();
    appendFileSync(path, '{"level":"info","msg":"agent ready"}\n');
    expect(lastWords(path, start)).toBe("agent ready");
    appendFileSync(path, '{"level":"error","msg":"stop failed","error":{"name":"Error","message":"too late"}}\n\n');
    expect(lastWords(path, start)).toBe("stop failed: too late");
  });

  it("keeps a headline and what is indented below it together", () => {
    open();
    writeFileSync(
      path,
      "noise\nCannot start the agent: its configuration is wrong\n  A: expected 1\n  B: expected 2\n",
    );
    expect(lastWords(path, 0)).toBe(
      "Cannot start the agent: its configuration is wrong; A: expected 1; B: expected 2",
    );
  });

  it("reads only the end of a long log, and returns null for one that is gone", () => {
    open();
    writeFileSync(path, `${"a long line\n".repeat(5_000)}the end\n`);
    expect(lastWords(path, 0)).toBe("the end");
    expect(lastWords(join(folder, "nowhere"), 0)).toBeNull();
  });
});
