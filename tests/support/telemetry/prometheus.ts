/** A strict reader of the Prometheus text format 0.0.4: what a scraper may stumble over throws here. */

export interface Family {
  help: string;
  type: string;
  /** By name and labels as they stand in the text, e.g. `x_bucket{le="1"}`. */
  samples: Map<string, number>;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"`;
const SAMPLE = new RegExp(String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{${LABEL}(?:,${LABEL})*\})? (\S+)$`);
const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)$|^NaN$/;

function suffixesOf(type: string): string[] {
  return type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
}

/** Cumulative, with a last bucket of all samples, which the count repeats. */
function checkHistogram(name: string, { samples }: Family): void {
  const series = new Map<string, { le: number; value: number }[]>();
  for (const [key, value] of samples) {
    const le = /^\w+_bucket\{(.*?),?le="([^"]+)"\}$/.exec(key);
    if (le === null) continue;
    const labels = le[1] ?? "";
    series.set(labels, [...series.get(labels) ?? [], { le: Number(le[2]?.replace("Inf", "Infinity")), value }]);
  }
  for (const [labels, buckets] of series) {
    for (const [at, bucket] of buckets.entries()) {
      const before = buckets[at - 1];
      if (before && (before.le >= bucket.le || before.value > bucket.value)) throw new Error(`${name}: not cumulative`);
    }
    const of = labels === "" ? "" : `{${labels}}`;
    const all = buckets.at(-1);
    if (all?.le !== Infinity) throw new Error(`${name}: no last bucket`);
    if (samples.get(`${name}_count${of}`) !== all.value) throw new Error(`${name}: count differs`);
    if (samples.get(`${name}_sum${of}`) === undefined) throw new Error(`${name}: no sum`);
  }
}

/** @throws Error at the first line that is wrong */
export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  let current: { name: string; family: Family } | null = null;
  let help: RegExpExecArray | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line.startsWith("# HELP")) {
      help = HELP.exec(line);
      if (help === null) throw new Error(`no HELP line: ${line}`);
      continue;
    }
    if (line.startsWith("#")) {
      const [, name = "", type = ""] = TYPE.exec(line) ?? [];
      if (name === "" || help?.[1] !== name || families.has(name)) throw new Error(`no TYPE line here: ${line}`);
      current = { name, family: { help: help[2] ?? "", type, samples: new Map() } };
      families.set(name, current.family);
      continue;
    }
    const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    const fits = current !== null && suffixesOf(current.family.type).some((suffix) => name === current?.name + suffix);
    if (!fits || current === null || !NUMBER.test(value)) throw new Error(`no sample here: ${line}`);
    if (current.family.samples.has(name + labels)) throw new Error(`twice: ${line}`);
    current.family.samples.set(name + labels, Number(value.replace("Inf", "Infinity")));
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

/** The value of one sample. @throws Error where there is none */
export function sample(families: Map<string, Family>, key: string): number {
  const [name = ""] = key.split("{", 1);
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
  const value = family?.samples.get(key);
  if (value === undefined) throw new Error(`no sample ${key}`);
  return value;
}
