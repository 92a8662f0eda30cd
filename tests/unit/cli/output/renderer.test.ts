import { describe, expect, it } from "vitest";
import { createProgressLine } from "../../../../cli/output/progress-line.ts";
import { createRenderer, type Terminal } from "../../../../cli/output/renderer.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Progress } from "../../../../contracts/progress.ts";

function screen(tty: { isTTY?: boolean; columns?: number } = {}) {
  const written = { stdout: "", stderr: "" };
  const terminal: Terminal = {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text), ...tty },
  };
  return { terminal, written };
}

function at(value: number): Progress {
  return {
    value,
    nodesDone: 1,
    nodesTotal: 4,
    currentNode: "3",
    currentNodeClass: "KSampler",
    step: Math.round(value * 20),
    steps: 20,
  };
}

describe("createRenderer()", () => {
  it("prints data on standard output and talk on standard error", () => {
    const { terminal, written } = screen();
    const render = createRenderer(terminal, false);
    render.say("working");
    render.event({ n: 1 }, "one");
    render.event({ n: 2 }, null);
    render.result({ n: 3 }, "done");
    expect(written).toEqual({ stdout: "one\ndone\n", stderr: "working\n" });
  });

  it("with --json prints bare events and one envelope, and no talk", () => {
    const { terminal, written } = screen();
    const render = createRenderer(terminal, true);
    render.say("working");
    render.event({ n: 1 }, "one");
    render.result({ n: 3 }, "done");
    expect(written).toEqual({
      stdout: '{"n":1}\n{"schema":"comfyfleet.cli/1","ok":true,"data":{"n":3}}\n',
      stderr: "",
    });
  });

  it("says what failed, at which nodes, and what to do; the exit code follows the code", () => {
    const error = new FleetError("invalid_workflow", "Cannot run workflow: node '3'", {
      hint: "Mend it.",
      details: { nodeErrors: { "3": [{ field: "seed", reason: "too large" }] } },
      requestId: "r-1",
    });
    const { terminal, written } = screen();
    expect(createRenderer(terminal, false).failure(error)).toBe(2);
    expect(written.stderr).toBe(
      "error: Cannot run workflow: node '3'\n  node 3, seed: too large\n  Mend it.\n  (invalid_workflow, request r-1)\n",
    );
    const json = screen();
    expect(createRenderer(json.terminal, true).failure(error)).toBe(2);
    expect(JSON.parse(json.written.stdout)).toMatchObject({ ok: false, error: { code: "invalid_workflow" } });
  });

  it.each(
    [
      ["unauthorized", 3],
      ["forbidden", 3],
      ["not_found", 4],
      ["execution_failed", 5],
      ["canceled", 5],
      ["timeout", 6],
      ["edge_unreachable", 1],
      ["invalid_json", 2],
    ] as const,
  )("ends %s with exit code %i", (code, exit) => {
    const { terminal } = screen();
    expect(createRenderer(terminal, false).failure(new FleetError(code, "Cannot"))).toBe(exit);
  });

  it("keeps what it does not know for the log of a person, without a stack", () => {
    const { terminal, written } = screen();
    expect(createRenderer(terminal, false).failure(new Error("disk full"))).toBe(1);
    expect(written.stderr).toMatch(/^error: Cannot .*\n/);
    expect(written.stderr).toContain("disk full");
    expect(written.stderr).not.toMatch(/\n\s+at /);
  });
});

describe("createProgressLine()", () => {
  it("redraws one line on a terminal, never wider than it, and takes it away", () => {
    const { terminal, written } = screen({ isTTY: true, columns: 60 });
    const bar = createProgressLine(terminal.stderr, () => 0);
    bar.update(at(0.25));
    bar.update(at(0.5));
    const lines = written.stderr.split("\r\x1b[2K").slice(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^█{6}░{18}  25% {2}node 1\/4 KSampler/);
    expect(lines[1]).toMatch(/^█{12}░{12}  50%/);
    for (const line of lines) expect(line.length).toBeLessThan(60);
    expect(written.stderr).not.toContain("\n");
    bar.clear();
    bar.clear();
    expect(written.stderr.match(/\r\x1b\[2K$/g)).toHaveLength(1);
    expect(written.stderr.split("\r\x1b[2K")).toHaveLength(4);
  });

  it("prints a plain line for each tenth elsewhere, at most five a second, without colour", () => {
    const { terminal, written } = screen();
    let nowMs = 0;
    const bar = createProgressLine(terminal.stderr, () => nowMs);
    for (let step = 0; step <= 100; step++) {
      bar.update(at(step / 100));
      nowMs += 50;
    }
    bar.clear();
    const lines = written.stderr.trimEnd().split("\n");
    expect(lines[0]).toBe("  0%  node 1/4 KSampler step 0/20");
    expect(lines.at(-1)).toMatch(/^ *(9\d|100)%/);
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(written.stderr).not.toMatch(/\x1b|\r|█/);
  });
});
