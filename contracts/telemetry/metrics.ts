/**
 * Counters, gauges and histograms of one process, and their Prometheus text (format 0.0.4). Counting is an addition in
 * memory. A metric has at most one label, and at most {@link MetricSpec.maxSeries} values of it: more are counted as `other`.
 */

export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly label?: string;
  /** Values that are shown as 0 before anything was counted. */
  readonly known?: readonly string[];
  /** Values that are told apart. Default {@link MAX_SERIES}. */
  readonly maxSeries?: number;
  /** Upper bounds of a histogram, rising. */
  readonly buckets?: readonly number[];
}

export type MetricSpecs = Readonly<Record<string, MetricSpec>>;

type NamesOf<S extends MetricSpecs, T extends MetricSpec["type"]> =
  & { [K in keyof S]: S[K]["type"] extends T ? K : never }[keyof S]
  & string;

export interface Metrics<S extends MetricSpecs> {
  /** Adds to a counter. */
  count(name: NamesOf<S, "counter">, labelValue?: string, by?: number): void;
  /** Adds a sample to a histogram. */
  observe(name: NamesOf<S, "histogram">, value: number, labelValue?: string): void;
  /** Sets all series of a gauge: those that are not named any more are gone. */
  setAll(name: NamesOf<S, "gauge">, values: Iterable<readonly [labelValue: string, value: number]>): void;
  /** Sets a gauge without a label. */
  set(name: NamesOf<S, "gauge">, value: number): void;
  text(): string;
}

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export const MAX_SERIES = 100;
const OTHER = "other";
/** Key of a metric without a label. */
const UNLABELED = "";

interface Series {
  value: number;
  /** Of a histogram: samples per bucket, not cumulated, and all of them. */
  buckets: number[];
  count: number;
}

interface Metric {
  name: string;
  spec: MetricSpec;
  series: Map<string, Series>;
}

function newSeries({ buckets = [] }: MetricSpec): Series {
  return { value: 0, buckets: buckets.map(() => 0), count: 0 };
}

function newMetric(name: string, spec: MetricSpec): Metric {
  const first = spec.label === undefined ? [UNLABELED] : spec.known ?? [];
  // A gauge that nobody has set says nothing; a counter has counted nothing.
  const keys = spec.type === "gauge" ? [] : first;
  return { name, spec, series: new Map(keys.map((key) => [key, newSeries(spec)])) };
}

function seriesOf({ spec, series }: Metric, labelValue: string): Series {
  const key = spec.label === undefined ? UNLABELED : labelValue;
  const found = series.get(key);
  if (found !== undefined) return found;
  if (series.size >= (spec.maxSeries ?? MAX_SERIES) && key !== OTHER) {
    return seriesOf({ name: "", spec, series }, OTHER);
  }
  const made = newSeries(spec);
  series.set(key, made);
  return made;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function labels(pairs: readonly (readonly [string, string])[]): string {
  return pairs.length === 0 ? "" : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",")}}`;
}

function* linesOf({ name, spec, series }: Metric): Generator<string> {
  yield `# HELP ${name} ${escapeHelp(spec.help)}`;
  yield `# TYPE ${name} ${spec.type}`;
  for (const [key, { value, buckets, count }] of series) {
    const own: [string, string][] = spec.label === undefined ? [] : [[spec.label, key]];
    if (spec.type !== "histogram") {
      yield `${name}${labels(own)} ${value}`;
      continue;
    }
    let below = 0;
    for (const [index, bound] of (spec.buckets ?? []).entries()) {
      below += buckets[index] ?? 0;
      yield `${name}_bucket${labels([...own, ["le", String(bound)]])} ${below}`;
    }
    yield `${name}_bucket${labels([...own, ["le", "+Inf"]])} ${count}`;
    yield `${name}_sum${labels(own)} ${value}`;
    yield `${name}_count${labels(own)} ${count}`;
  }
}

export function createMetrics<const S extends MetricSpecs>(specs: S): Metrics<S> {
  const metrics = new Map(Object.entries(specs).map(([name, spec]) => [name, newMetric(name, spec)]));
  function metricOf(name: string): Metric {
    const metric = metrics.get(name);
    if (metric === undefined) throw new Error(`Cannot count ${name}: there is no such metric`);
    return metric;
  }
  return {
    count(name, labelValue = UNLABELED, by = 1) {
      seriesOf(metricOf(name), labelValue).value += by;
    },
    observe(name, value, labelValue = UNLABELED) {
      const metric = metricOf(name);
      const series = seriesOf(metric, labelValue);
      series.value += value;
      series.count += 1;
      const index = metric.spec.buckets?.findIndex((bound) => value <= bound) ?? -1;
      if (index >= 0) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    },
    setAll(name, values) {
      const metric = metricOf(name);
      metric.series.clear();
      for (const [labelValue, value] of values) seriesOf(metric, labelValue).value = value;
    },
    set(name, value) {
      seriesOf(metricOf(name), UNLABELED).value = value;
    },
    text: () => `${[...metrics.values()].flatMap((metric) => [...linesOf(metric)]).join("\n")}\n`,
  };
}
