import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AGENT_METRICS } from "../../../agent/telemetry/agent-metrics.ts";
import type { MetricSpec, MetricSpecs } from "../../../contracts/telemetry/metrics.ts";
import { EDGE_METRICS } from "../../../proxy/telemetry/edge-metrics.ts";

const MAY_BE_UNBOUNDED = /^(?:job|tenant|attempt|pod|key|path|asset|request)(?:_?id)?$/;
/** In gauges alone: each reading names all pods of now, and the series of others end with it. */
const ONE_OF_THE_PRESENT = "pod";
const MANY_PODS = 10_000;

function all(specs: MetricSpecs): [string, MetricSpec][] {
  return Object.entries(specs);
}

describe("docs/operations.md", () => {
  const [, text = ""] = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
    .split("| metric | type | label | of |");
  const rows = (text.split("\n\n", 1)[0] ?? "").split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").map((cell) => cell.trim().replaceAll("`", ""))
  );
  const told = (process: string) =>
    rows.filter(([, , , , of = ""]) => of.split(", ").includes(process)).map((
      [, name, type, label],
    ) => [name, type, label]);

  it.each([["edge", EDGE_METRICS], ["agent", AGENT_METRICS]] as const)(
    "has every metric of the %s with its type and label, and no other",
    (process, specs) => {
      const inCode = all(specs).map(([name, { type, label = "" }]) => [name, type, label]);
      expect(told(process)).toEqual(inCode);
    },
  );

  it("has a meaning for each", () => {
    for (const row of rows) expect(row[5], row[1]).toMatch(/\S/);
  });
});

describe.each([["edge", EDGE_METRICS], ["agent", AGENT_METRICS]] as const)("metrics of the %s", (_process, specs) => {
  it.each(all(specs))("%s is named by Prometheus's rules, in base units, with our prefix", (name, spec) => {
    expect(name).toMatch(/^comfyfleet_[a-z][a-z0-9_]*$/);
    expect(name.endsWith("_total")).toBe(spec.type === "counter");
    if (spec.type !== "gauge") expect(name.endsWith("_seconds")).toBe(spec.type === "histogram");
    expect(name).not.toMatch(/_(?:ms|mb|percent)(?:_|$)/);
    expect(spec.help).toMatch(/^\S.*\.$/);
  });

  it.each(all(specs))("%s has no label that grows with the work, and a gauge of each pod a bound", (_name, spec) => {
    if (spec.label === ONE_OF_THE_PRESENT && spec.type === "gauge") expect(spec.maxSeries).toBeLessThan(MANY_PODS);
    else expect(spec.label ?? "none").not.toMatch(MAY_BE_UNBOUNDED);
  });

  it.each(all(specs).filter(([, { type }]) => type === "histogram"))(
    "%s has rising buckets",
    (_name, { buckets = [] }) => {
      expect(buckets.length).toBeGreaterThan(3);
      expect(buckets).toEqual([...new Set(buckets)].toSorted((a, b) => a - b));
    },
  );
});
