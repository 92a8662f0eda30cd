/** One measured number beside its baseline of the same run, and how it is shown. */

export type Unit = "ms" | "MB";

export interface Measurement {
  /** What was measured, e.g. `job/deno`. */
  bench: string;
  /** E.g. `wall_p50`. */
  metric: string;
  value: number;
  unit: Unit;
  /** The same without the fleet, measured in the same run. */
  baseline: number;
  /** Upper bound that the project sets itself for `value`; absent where there is none. */
  goal?: number;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** One line for programs: `bench, metric, value, unit, baseline, ratio`, and `goal` where there is one. */
export function jsonLine({ bench, metric, value, unit, baseline, goal }: Measurement): string {
  const ratio = baseline > 0 ? rounded(value / baseline) : null;
  const line = { bench, metric, value: rounded(value), unit, baseline: rounded(baseline), ratio };
  return JSON.stringify(goal === undefined ? line : { ...line, goal: rounded(goal) });
}

export function isMet({ value, goal }: Measurement): boolean {
  return goal === undefined || value <= goal;
}

function verdict(measurement: Measurement): string {
  const { value, unit, goal } = measurement;
  if (goal === undefined) return "";
  const bound = `goal ≤ ${goal.toFixed(1)} ${unit}`;
  return isMet(measurement) ? `${bound}: met` : `${bound}: missed by ${(value - goal).toFixed(1)} ${unit}`;
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
