/** One measured number beside its baseline of the same run, and how it is shown. */

export type Unit = "ms" | "MB" | "MB/s" | "1/s" | "s" | "events" | "jobs";

export interface Measurement {
  /** What was measured, e.g. `job/deno`. */
  bench: string;
  /** E.g. `wall_p50`. */
  metric: string;
  value: number;
  unit: Unit;
  /** The same without the fleet, measured in the same run. */
  baseline: number;
  /** Bound that the project sets itself for `value`; absent where there is none. */
  goal?: number;
  /** @default "at_most" */
  goalIs?: "at_most" | "at_least";
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/**
 * One line for programs: `bench, metric, value, unit, baseline, ratio`, `goal` where there is one, and `goalIs` where that
 * is not the upper bound.
 */
export function jsonLine({ bench, metric, value, unit, baseline, goal, goalIs }: Measurement): string {
  const ratio = baseline > 0 ? rounded(value / baseline) : null;
  const line = { bench, metric, value: rounded(value), unit, baseline: rounded(baseline), ratio };
  if (goal === undefined) return JSON.stringify(line);
  return JSON.stringify({ ...line, goal: rounded(goal), ...(goalIs === "at_least" ? { goalIs } : {}) });
}

export function isMet({ value, goal, goalIs }: Measurement): boolean {
  if (goal === undefined) return true;
  return goalIs === "at_least" ? value >= goal : value <= goal;
}

function verdict(measurement: Measurement): string {
  const { value, unit, goal, goalIs } = measurement;
  if (goal === undefined) return "";
  const bound = `goal ${goalIs === "at_least" ? "≥" : "≤"} ${goal.toFixed(1)} ${unit}`;
  return isMet(measurement) ? `${bound}: met` : `${bound}: missed by ${Math.abs(value - goal).toFixed(1)} ${unit}`;
}

/** Lines for people, in columns. */
export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { bench, metric, value, unit, baseline } = measurement;
    const ratio = baseline > 0 ? `× ${(value / baseline).toFixed(2)}` : "";
    return [
      bench,
      metric,
      `${value.toFixed(2)} ${unit}`,
      `baseline ${baseline.toFixed(2)} ${unit}`,
      ratio,
      verdict(measurement),
    ];
  });
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}
