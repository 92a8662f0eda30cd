import { describe, expect, it } from "vitest";
import { createMetrics, MAX_SERIES } from "../../../../contracts/telemetry/metrics.ts";
import { parsePrometheus, sample } from "../../../support/telemetry/prometheus.ts";

const SPECS = {
  jobs_total: { type: "counter", label: "status", known: ["done"], help: 'Jobs, "all" of them\nby\\state.' },
  plain_total: { type: "counter", help: "Plain." },
  pods: { type: "gauge", label: "phase", help: "Pods." },
  ready: { type: "gauge", help: "Ready." },
  call_seconds: { type: "histogram", label: "procedure", buckets: [0.1, 1], help: "Calls." },
  run_seconds: { type: "histogram", buckets: [1, 10], help: "Runs." },
} as const;

describe("createMetrics()", () => {
  it("writes text that a strict reader takes, with zeros for what is known beforehand", () => {
    const families = parsePrometheus(createMetrics(SPECS).text());
    expect([...families].map(([name, { type }]) => [name, type])).toEqual(
      Object.entries(SPECS).map(([name, { type }]) => [name, type]),
    );
    expect(sample(families, 'jobs_total{status="done"}')).toBe(0);
    expect(sample(families, "plain_total")).toBe(0);
    expect(sample(families, "run_seconds_count")).toBe(0);
    expect(families.get("pods")?.samples.size).toBe(0);
    expect(families.get("ready")?.samples.size).toBe(0);
  });

  it("counts, by one or more", () => {
    const metrics = createMetrics(SPECS);
    metrics.count("jobs_total", "done");
    metrics.count("jobs_total", "failed");
    metrics.count("jobs_total", "failed");
    metrics.count("plain_total", "", 5);
    const families = parsePrometheus(metrics.text());
    expect(sample(families, 'jobs_total{status="done"}')).toBe(1);
    expect(sample(families, 'jobs_total{status="failed"}')).toBe(2);
    expect(sample(families, "plain_total")).toBe(5);
  });

  it("sorts samples into buckets, a bound into its own", () => {
    const metrics = createMetrics(SPECS);
    for (const value of [0.05, 0.1, 0.5, 20]) metrics.observe("call_seconds", value, "pod.beat");
    const families = parsePrometheus(metrics.text());
    expect(sample(families, 'call_seconds_bucket{procedure="pod.beat",le="0.1"}')).toBe(2);
    expect(sample(families, 'call_seconds_bucket{procedure="pod.beat",le="1"}')).toBe(3);
    expect(sample(families, 'call_seconds_bucket{procedure="pod.beat",le="+Inf"}')).toBe(4);
    expect(sample(families, 'call_seconds_sum{procedure="pod.beat"}')).toBeCloseTo(20.65);
  });

  it("forgets the series of a gauge that are not set any more", () => {
    const metrics = createMetrics(SPECS);
    metrics.setAll("pods", [["ready", 2], ["lost", 1]]);
    metrics.setAll("pods", [["ready", 3]]);
    metrics.set("ready", 1);
    const families = parsePrometheus(metrics.text());
    expect([...families.get("pods")?.samples ?? []]).toEqual([['pods{phase="ready"}', 3]]);
    expect(sample(families, "ready")).toBe(1);
  });

  it("escapes label values", () => {
    const metrics = createMetrics(SPECS);
    metrics.count("jobs_total", 'a "b"\nc\\d');
    expect(metrics.text()).toContain(String.raw`jobs_total{status="a \"b\"\nc\\d"} 1`);
    parsePrometheus(metrics.text());
  });

  it("holds a bounded number of series, whatever the labels: the rest is 'other'", () => {
    const metrics = createMetrics(SPECS);
    for (let n = 0; n < 10_000; n += 1) metrics.count("jobs_total", `job_${n}`);
    const family = parsePrometheus(metrics.text()).get("jobs_total");
    expect(family?.samples.size).toBe(MAX_SERIES + 1);
    expect(family?.samples.get('jobs_total{status="other"}')).toBe(10_000 - (MAX_SERIES - 1));
  });

  it("tells apart as many values as a metric says", () => {
    const metrics = createMetrics({ load: { type: "gauge", label: "pod", maxSeries: MAX_SERIES * 2, help: "Load." } });
    metrics.setAll("load", Array.from({ length: MAX_SERIES * 3 }, (_, n) => [`pod_${n}`, n]));
    const samples = parsePrometheus(metrics.text()).get("load")?.samples;
    expect(samples?.size).toBe(MAX_SERIES * 2 + 1);
    expect(samples?.get('load{pod="pod_150"}')).toBe(150);
  });
});
