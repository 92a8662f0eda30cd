// The benchmark of the tailnet runs from start to end and prints what its readers parse; what it measures is not judged here.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EDGE_RUNTIMES } from "../support/fleet/fleet.ts";

const Line = z.strictObject({
  bench: z.string(),
  metric: z.string(),
  value: z.number().positive(),
  unit: z.enum(["ms", "MB/s"]),
  baseline: z.number().positive(),
  ratio: z.number().positive(),
  goal: z.number().positive().optional(),
});

describe("bench tailnet --json --quick", () => {
  it("prints one line a measurement, each beside loopback in the same run", async () => {
    const args = ["tests/bench/main.ts", "tailnet", "--json", "--quick"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
    const lines = stdout.trim().split("\n").map((line) => Line.parse(JSON.parse(line)));
    const each = (names: string[], metrics: string[]) =>
      names.flatMap((name) => metrics.map((metric) => `${name} ${metric}`));
    const dials = EDGE_RUNTIMES.flatMap((runtime) => ["node_http", "undici"].map((by) => `dial/${runtime}/${by}`));
    const of = (part: string) => EDGE_RUNTIMES.map((runtime) => `${part}/${runtime}`);
    const cold = ["cold_submit_to_comfyui_p50", "cold_wall_p50"];
    expect(lines.map(({ bench, metric }) => `${bench} ${metric}`)).toEqual([
      ...each(dials, ["call_p50", "call_p99", "fresh_call_p50", "download_rate"]),
      ...each(of("edge"), ["call_p50", "call_p99", "passing_rate"]),
      ...each(of("job"), [...cold, "submit_to_comfyui_p50", "submit_to_comfyui_p95", "wall_p50", "wall_p95"]),
    ]);
    expect(lines.filter(({ goal }) => goal !== undefined)).toMatchObject(
      EDGE_RUNTIMES.map((runtime) => ({ bench: `job/${runtime}`, metric: "submit_to_comfyui_p50", goal: 15 })),
    );
  }, 120_000);
});
