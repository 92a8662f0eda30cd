import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Child, type ChildOptions, superviseChild } from "../../../../cli/up/child.ts";
import { until } from "../../../support/fleet/until.ts";

const STAYS = "console.log('up ' + process.pid); setInterval(() => {}, 1000);";

describe("superviseChild()", () => {
  let folder: string;
  let logPath: string;
  let child: Child | null;
  let restarts: string[];
  let given: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "child-"));
    logPath = join(folder, "logs", "it.log");
    restarts = [];
    given = [];
    child = null;
  });
  afterEach(async () => {
    await child?.stop();
    rmSync(folder, { recursive: true });
  });

  function supervise(script: string, options: Partial<ChildOptions> = {}): Child {
    child = superviseChild({
      name: "it",
      command: [process.execPath, "-e", script],
      env: { PATH: process.env.PATH },
      logPath,
      onRestart: (message) => restarts.push(message),
      onGiveUp: (message) => given.push(message),
      ...options,
    });
    return child;
  }

  function started(count: number): Promise<number[]> {
    return until(`${count} starts`, () => {
      const log = existsSync(logPath) ? readFileSync(logPath, "utf8") : "";
      const pids = [...log.matchAll(/up (\d+)/g)].map(([, pid]) => Number(pid));
      return pids.length >= count ? pids : null;
    }, 8_000);
  }

  it("starts a killed child again, says so, and keeps its output in one file", async () => {
    const it = supervise(STAYS);
    const [first = 0] = await started(1);
    expect(it.pid).toBe(first);
    process.kill(first, "SIGKILL");
    const [, second] = await started(2);
    expect(second).not.toBe(first);
    expect(it.pid).toBe(second);
    expect(restarts).toEqual([expect.stringMatching(/^it ended \(signal SIGKILL\); starting it again.*it\.log$/)]);
  });

  it("gives up after too many quick ends in a row, and says where to look", async () => {
    supervise("process.exit(7)", { maxQuickEnds: 2 });
    await until("it to give up", () => (given.length > 0 ? given : null), 8_000);
    expect(restarts).toHaveLength(1);
    expect(given).toEqual([expect.stringMatching(/^it ended 2 times in a row \(exit code 7\).*it\.log$/)]);
  });

  it("counts a program that cannot be started as a quick end", async () => {
    supervise("", { command: ["/no/such/program"], maxQuickEnds: 1 });
    await until("it to give up", () => (given.length > 0 ? given : null), 8_000);
    expect(given[0]).toMatch(/ENOENT/);
  });

  it("stop() ends it with SIGTERM, and it stays ended", async () => {
    const it = supervise("process.on('SIGTERM', () => { console.log('told'); process.exit(0); });" + STAYS);
    const [pid = 0] = await started(1);
    await it.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(readFileSync(logPath, "utf8")).toContain("told");
    expect(restarts).toEqual([]);
    expect(it.pid).toBeNull();
  });

  it("stop() between an end and the next start leaves it ended", async () => {
    const it = supervise("console.log('up 1'); process.exit(1)");
    await until("its end", () => (restarts.length > 0 ? true : null), 8_000);
    await it.stop();
    const log = readFileSync(logPath, "utf8");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readFileSync(logPath, "utf8")).toBe(log);
  });
});
