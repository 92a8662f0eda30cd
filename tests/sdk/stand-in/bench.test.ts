/** `bench v2` runs from start to end and prints what its readers parse; what it measures is not judged here. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { whyNoPython } from "../../support/python/environment.ts";
import { named } from "../../support/gpu/real-gpu.ts";

const Line = z.strictObject({
  bench: z.string(),
  metric: z.string(),
  value: z.number().nonnegative(),
  unit: z.enum(["ms", "1/s", "jobs"]),
  baseline: z.number().positive(),
  ratio: z.number().nonnegative(),
  goal: z.number().nonnegative().optional(),
  goalIs: z.literal("at_least").optional(),
});

const reason = process.env.CI ? null : await whyNoPython();

describe.skipIf(reason !== null)(named("bench v2", reason), () => {
  it("prints every measurement of both edges, each with a baseline, and no wrong end of theirs", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...["tests/bench/main.ts", "v2", "--json", "--quick"],
    ], { timeout: 85_000 });
    const lines = stdout.trim().split("\n").map((line) => Line.parse(JSON.parse(line)));
    const clients = ["poll", "sse", "typescript_run", "python_run", "typescript_run_300ms", "python_run_300ms"];
    const crowds = ["", "_100ms"].flatMap((jobs) => [`false_states${jobs}`, `jobs_per_second${jobs}`]);
    const metrics = [...crowds, ...clients.flatMap((name) => [`${name}_p50`, `${name}_p95`])];
    for (const edge of ["deno", "node"]) {
      const ours = lines.filter(({ bench }) => bench === `v2/${edge}`);
      expect(ours.map(({ metric }) => metric)).toEqual(metrics);
      expect(ours.find(({ metric }) => metric === "false_states")).toMatchObject({ value: 0, baseline: 16, goal: 0 });
      expect(ours.find(({ metric }) => metric === "jobs_per_second")).toMatchObject({ goalIs: "at_least" });
    }
    expect(lines.some(({ bench }) => bench === "v2/proxy")).toBe(true);
  });
});
