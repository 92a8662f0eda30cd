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

/** Of few events: a process may have used no time that counts, or have grown by nothing. */
const EdgeLine = Line.extend({
  value: z.number(),
  unit: z.enum(["ms", "MB", "MB/s", "1/s", "s", "events"]),
  baseline: z.number(),
  ratio: z.number().nullable(),
  goalIs: z.literal("at_least").optional(),
});

async function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await promisify(execFile)(process.execPath, ["tests/bench/main.ts", ...args], { timeout: 55_000 });
}

describe("bench", () => {
  it("bench job --json prints one line a measurement, each with a baseline of the same run", async () => {
    const { stdout } = await bench("job", "--json", "--rounds", "2");
    const lines = stdout.trim().split("\n").map((line) => Line.parse(JSON.parse(line)));
    const edges = ["deno", "node"];
    const cold = ["cold_submit_to_comfyui_p50", "cold_wall_p50"];
    const metrics = [...cold, "submit_to_comfyui_p50", "submit_to_comfyui_p95", "wall_p50", "wall_p95"];
    expect(lines.map(({ bench: name, metric }) => `${name} ${metric}`)).toEqual([
      "disk fsync_p50",
      ...edges.flatMap((edge) => metrics.map((metric) => `job/${edge} ${metric}`)),
      ...edges.map((edge) => `edge/${edge} start_to_ready`),
      ...edges.map((edge) => `edge/${edge} idle_rss`),
    ]);
    expect(lines.filter(({ goal }) => goal === undefined).map(({ metric }) => metric)).toEqual([
      "fsync_p50",
      ...edges.flatMap(() => [...cold, "submit_to_comfyui_p95"]),
    ]);
  });

  it("bench edge --json prints its lines too, and loses no lifecycle event", async () => {
    const { stdout } = await bench("edge", "--json", "--quick");
    const lines = stdout.trim().split("\n").map((line) => EdgeLine.parse(JSON.parse(line)));
    const kinds = ["passing", "stored_download", "stored_collect"];
    const bytes = kinds.flatMap((kind) => [`${kind}_rate`, `${kind}_linked_rate`, `${kind}_rss_growth`]);
    const watchers = ["lifecycle_events", "progress_per_watcher_p50", "progress_per_watcher_min", "cpu", "rss_growth"];
    const of = (name: string, metrics: string[]) =>
      ["deno", "node"].flatMap((edge) => metrics.map((metric) => `${name}/${edge} ${metric}`));
    expect(lines.map(({ bench: name, metric }) => `${name} ${metric}`)).toEqual([
      ...of("calls", ["call_p50", "call_p99"]),
      ...of("bytes", bytes),
      ...of("watchers", watchers),
    ]);
    for (const { unit, value, baseline } of lines) {
      if (unit === "MB" || unit === "s") continue;
      expect(value).toBeGreaterThan(0);
      expect(baseline).toBeGreaterThan(0);
    }
    const told = lines.filter(({ metric }) => metric === "lifecycle_events");
    // Twelve watchers, each told of two events after how it began: running, succeeded.
    expect(told).toMatchObject(["deno", "node"].map(() => ({ value: 24, baseline: 24 })));
  });

  it("bench refuses what it does not know with exit code 2", async () => {
    await expect(bench("tunnel")).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("usage:") });
  });
});
