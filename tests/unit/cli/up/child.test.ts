import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { superviseChild } from "../../../../cli/up/child.ts";
import { until } from "../../../support/fleet/until.ts";

describe("superviseChild()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-child-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function supervise(script: string, more: { stopGraceMs?: number; maxQuickEnds?: number } = {}) {
    const said: string[] = [];
    const given: string[] = [];
    const child = superviseChild({
      name: "agent",
      command: [process.execPath, "-e", script],
      env: { PATH: process.env.PATH },
      logPath: join(folder, "agent.log"),
      onRestart: (message) => said.push(message),
      onGiveUp: (message) => given.push(message),
      ...more,
    });
    return { child, said, given, log: () => readFileSync(join(folder, "agent.log"), "utf8") };
  }

  it("gives up a child that ends at once again and again, with its last words and its log", async () => {
    const { said, given } = supervise('console.error("Cannot start the agent: in use"); process.exit(3)', {
      maxQuickEnds: 2,
    });
    const [message = ""] = await until("it to be given up", () => (given.length > 0 ? given : null));
    expect(message).toMatch(
      /^agent ended 2 times in a row \(exit code 3\), and said last: Cannot start the agent: in use\. Log: .*agent\.log$/,
    );
    expect(said).toHaveLength(1);
  });

  it("holds the child's standard input open as long as it runs itself", async () => {
    const { child, said, log } = supervise(
      'process.stdin.resume().on("end", () => console.error("ended")); console.error("up"); setInterval(() => {}, 1e3)',
    );
    await until("the child to be up", () => log().includes("up") || null);
    await child.stop();
    expect(log()).not.toContain("ended");
    expect(said).toEqual([]);
  });

  it("stop() kills a child that outlasts its grace", async () => {
    const { child, log } = supervise(
      'process.on("SIGTERM", () => {}); console.error("up"); setInterval(() => {}, 1e3)',
      {
        stopGraceMs: 100,
      },
    );
    await until("the child to be up", () => log().includes("up") || null);
    const { pid } = child;
    await child.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
