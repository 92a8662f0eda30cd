/**
 * What nvidia-smi says of several kinds of GPU. Those with a fixture were recorded on real ones; the others are composed
 * of a recorded relative and the figures of their data sheets, because nobody has published a recording.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";

const Cells = z.record(z.string(), z.string());
const Fixture = z.object({ source: z.string(), fields: z.array(z.string()), idle: Cells, load: Cells });

/** One nvidia-smi: the headings of its `--help-query-gpu`, and its cells by field name. */
export interface GpuKind {
  name: string;
  fields: string[];
  idle: Record<string, string>;
  load: Record<string, string>;
}

function recorded(name: string): GpuKind {
  const file = new URL(`../../fixtures/gpu/${name}.json`, import.meta.url);
  const { fields, idle, load } = Fixture.parse(JSON.parse(readFileSync(file, "utf8")));
  return { name, fields, idle, load };
}

function composed(name: string, relative: GpuKind, cells: Record<string, string>): GpuKind {
  const { fields, idle, load } = relative;
  return { name, fields, idle: { ...idle, ...cells }, load: { ...load, ...cells } };
}

/** Without the named fields, and with the other name where a heading has two and the first is named. */
export function without(kind: GpuKind, ...names: string[]): GpuKind {
  const fields = kind.fields.map((heading) => {
    const kept = heading.split(" or ").filter((quoted) => !names.includes(quoted.slice(1, -1)));
    return kept.join(" or ");
  });
  return { ...kind, fields: fields.filter((heading) => heading !== "") };
}

export const L40S = recorded("l40s");
export const H100 = recorded("h100");
export const H100_MIG = recorded("h100-mig");
export const H200 = recorded("h200");
export const RTX_4080_SUPER = recorded("rtx-4080-super");
export const RTX_2080_SUPER = recorded("rtx-2080-super");
export const RTX_4090 = composed("rtx-4090", RTX_4080_SUPER, {
  "name": "NVIDIA GeForce RTX 4090",
  "memory.total": "24564 MiB",
  "enforced.power.limit": "450.00 W",
  "clocks.max.sm": "3105 MHz",
});
/** Ampere knows no margin to the slowdown. */
export const A100_MIG = composed("a100-mig", H100_MIG, {
  "name": "NVIDIA A100-SXM4-80GB",
  "memory.total": "81920 MiB",
  "temperature.gpu.tlimit": "[N/A]",
  "enforced.power.limit": "400.00 W",
  "clocks.max.sm": "1410 MHz",
  "pcie.link.gen.max": "4",
  "pcie.link.gen.gpucurrent": "4",
});
export const B200 = composed("b200", H200, {
  "name": "NVIDIA B200",
  "memory.total": "183359 MiB",
  "enforced.power.limit": "1000.00 W",
  "clocks.max.sm": "1965 MHz",
});

export const KINDS = [
  L40S,
  H100,
  H100_MIG,
  H200,
  RTX_4080_SUPER,
  RTX_2080_SUPER,
  RTX_4090,
  A100_MIG,
  B200,
] as const;

/** The cells as `nounits` has them. */
export function bare(cells: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, cell]) => [name, cell.replace(/^(-?[\d.]+) (?:MiB|W|MHz|%|us)$/, "$1")]),
  );
}

/** Another name of the same cell counts too, as in nvidia-smi. */
export function cellOf(kind: Pick<GpuKind, "fields">, cells: Readonly<Record<string, string>>, name: string): string {
  const heading = kind.fields.find((one) => one.includes(`"${name}"`)) ?? "";
  const names = [name, ...[...heading.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "")];
  return names.map((one) => cells[one]).find((cell) => cell !== undefined) ?? "[N/A]";
}

/** The help as it is printed: a heading, then its text, then an empty line. */
export function helpOf({ fields }: Pick<GpuKind, "fields">): string {
  const list = fields.map((heading) => `${heading}\nWhat it is.\n`);
  return ['List of valid properties to query for the switch "--query-gpu":', "", ...list].join("\n");
}
