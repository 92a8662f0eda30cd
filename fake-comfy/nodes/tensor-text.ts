/**
 * Pictures and masks as text, in the layout of a printed tensor: four decimals, eight numbers a line, and only six
 * items at each end of a long edge when the whole is large.
 */
import { type ImageBatch, MaskBatch } from "../images/frame.ts";
import { type Json, pyRepr } from "../python.ts";
import { isPlain } from "./inputs.ts";
import type { Value } from "./node-class.ts";

const EDGE_ITEMS = 6;
/** Above this many values the middle is left out. */
const SUMMARY_THRESHOLD = 1000;
const NUMBERS_PER_LINE = 8;
const FIRST_INDENT = "tensor(".length;

/** The edges of a tensor, outermost first, and its values in that order. */
interface Tensor {
  readonly edges: readonly number[];
  readonly at: (position: readonly number[]) => number;
}

/** Any value of a link as Python's `str` would show it. */
export function valueText(value: Value): Json {
  if (value === null || typeof value !== "object") return value;
  return Array.isArray(value) || isPlain(value) ? pyRepr(value) : tensorText(value);
}

/** `tensor([[…]])`. */
export function tensorText(value: ImageBatch | MaskBatch): string {
  const tensor = value instanceof MaskBatch ? maskTensor(value) : imageTensor(value);
  const cut = tensor.edges.reduce((product, edge) => product * edge, 1) > SUMMARY_THRESHOLD;
  return `tensor(${axisText(tensor, [], cut)})`;
}

function imageTensor(batch: ImageBatch): Tensor {
  const { width, height } = batch.first;
  return {
    edges: [batch.frames.length, height, width, 3],
    at: ([frame = 0, y = 0, x = 0, channel = 0]) => batch.frames[frame]?.data[(y * width + x) * 3 + channel] ?? 0,
  };
}

function maskTensor(batch: MaskBatch): Tensor {
  const { width, height } = batch;
  return {
    edges: [batch.planes.length, height, width],
    at: ([plane = 0, y = 0, x = 0]) => batch.planes[plane]?.[y * width + x] ?? 0,
  };
}

function axisText(tensor: Tensor, position: readonly number[], cut: boolean): string {
  const depth = position.length;
  const length = tensor.edges[depth] ?? 0;
  const innermost = depth === tensor.edges.length - 1;
  const item = (index: number) => {
    const place = [...position, index];
    return innermost ? tensor.at(place).toFixed(4) : axisText(tensor, place, cut);
  };
  const shortened = cut && length > 2 * EDGE_ITEMS;
  const items = Array.from(
    { length: shortened ? 2 * EDGE_ITEMS : length },
    (_, index) => item(shortened && index >= EDGE_ITEMS ? length - 2 * EDGE_ITEMS + index : index),
  );
  if (shortened) items.splice(EDGE_ITEMS, 0, "...");
  const indent = " ".repeat(FIRST_INDENT + depth + 1);
  if (!innermost) return `[${items.join(`,${"\n".repeat(tensor.edges.length - 1 - depth)}${indent}`)}]`;
  const lines: string[] = [];
  for (let from = 0; from < items.length; from += NUMBERS_PER_LINE) {
    lines.push(items.slice(from, from + NUMBERS_PER_LINE).join(", "));
  }
  return `[${lines.join(`,\n${indent}`)}]`;
}
