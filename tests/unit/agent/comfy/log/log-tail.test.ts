import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogFile, type LogFile } from "../../../../../agent/comfy/log/log-file.ts";
import { type LogTail, startLogTail } from "../../../../../agent/comfy/log/log-tail.ts";
import { createSilentLogger } from "../../../../support/comfy/silent-logger.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

let folder = "";
let lines: string[] = [];
const tails: LogTail[] = [];
const clock = createVirtualClock();

function follow(file: LogFile, { maxFileBytes = 1_000_000, catchUpBytes = 1_000_000 } = {}): LogTail {
  const tail = startLogTail({
    file,
    clock,
    logger: createSilentLogger(),
    pollMs: 100,
    maxFileBytes,
    catchUpBytes,
    onLine: ({ text }) => lines.push(text),
  });
  tails.push(tail);
  return tail;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-tail-"));
  lines = [];
});

afterEach(async () => {
  for (const tail of tails.splice(0)) await tail.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("startLogTail()", () => {
  it("hands out what is appended and remembers when", async () => {
    const file = createLogFile(join(folder, "comfyui.log"));
    const child = file.begin();
    const tail = follow(file);
    await tail.drain();
    await clock.advance(1_000);
    writeSync(child, "one\ntw");
    const wroteAtMs = clock.now();
    await tail.drain();
    expect([lines, tail.lastActivityMs]).toEqual([["one"], wroteAtMs]);
    await clock.advance(1_000);
    writeSync(child, "o\n");
    await tail.drain();
    expect([lines, tail.lastActivityMs]).toEqual([["one", "two"], wroteAtMs + 1_000]);
  });

  it("cuts a long file and goes on with what the child appends", async () => {
    const file = createLogFile(join(folder, "comfyui.log"));
    const child = file.begin();
    const tail = follow(file, { maxFileBytes: 100 });
    writeSync(child, `${"x".repeat(150)}\n`);
    await tail.drain();
    expect(statSync(file.path).size).toBe(0);
    expect(readFileSync(`${file.path}.1`, "utf8")).toBe(`${"x".repeat(150)}\n`);
    writeSync(child, "after\n");
    await tail.drain();
    expect(lines).toEqual(["x".repeat(150), "after"]);
    expect(readFileSync(file.path, "utf8")).toBe("after\n");
  });

  it("catches up with the end of an adopted child's log only", async () => {
    const file = createLogFile(join(folder, "comfyui.log"));
    appendFileSync(file.path, "old\nnew\n");
    await follow(file, { catchUpBytes: 4 }).drain();
    expect(lines).toEqual(["new"]);
  });

  it("gives out a last line without an end, and survives a missing file", async () => {
    const file = createLogFile(join(folder, "comfyui.log"));
    const tail = follow(file);
    await tail.drain();
    appendFileSync(file.path, "no end");
    await tail.stop();
    expect(lines).toEqual(["no end"]);
  });
});

describe("createLogFile()", () => {
  it("keeps one predecessor", () => {
    const file = createLogFile(join(folder, "comfyui.log"));
    writeSync(file.begin(), "first");
    writeSync(file.begin(), "second");
    expect(readFileSync(`${file.path}.1`, "utf8")).toBe("first");
    expect(file.sizeBytes()).toBe(6);
  });
});
