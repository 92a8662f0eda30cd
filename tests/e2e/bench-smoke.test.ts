// The benchmark runs from start to end and prints what its readers parse; what it measures is not judged here.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const Line = z.strictObject({
  bench: z.string(),
  metric: z.string(),
  value: z.number().positive(),
  unit: z.enum(["ms", "MB"]),
  baseline: z.number().positive(),
  ratio: z.number().positive(),
  goal: z.number().positive().optional(),
});

async function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await promisify(execFile)(process.execPath, ["tests/bench/main.ts", ...args], { timeout: 55_000 });
}

describe("bench", () => {
  it("bench job --json prints one line a measurement, each with a baseline of the same run", async () => {
    const { stdout } = await bench("job", "--json", "--rounds", "2");
    const lines = stdout.trim().split("\n").map((line) => Line.parse(JSON.parse(line)));
    const edges = ["deno", "node"];
    const metrics = ["submit_to_comfyui_p50", "submit_to_comfyui_p95", "wall_p50", "wall_p95"];
    expect(lines.map(({ bench: name, metric }) => `${name} ${metric}`)).toEqual([
      "disk fsync_p50",
      ...edges.flatMap((edge) => metrics.map((metric) => `job/${edge} ${metric}`)),
      ...edges.map((edge) => `edge/${edge} start_to_ready`),
      ...edges.map((edge) => `edge/${edge} idle_rss`),
    ]);
    expect(lines.filter(({ goal }) => goal === undefined).map(({ metric }) => metric)).toEqual([
      "fsync_p50",
      ...edges.map(() => "submit_to_comfyui_p95"),
    ]);
  });

  it("bench refuses what it does not know with exit code 2", async () => {
    await expect(bench("tunnel")).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("usage:") });
  });
});
