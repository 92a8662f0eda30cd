/** Pictures and masks as text, in the layout of a printed tensor: four decimals, long edges cut to six at each end. */
import { ImageBatch, MaskBatch } from "../images/frame.ts";
import { type Json, pyRepr } from "../python.ts";
import { isPlain } from "./inputs.ts";
import type { Value } from "./node-class.ts";

const EDGE_ITEMS = 6;
/** Above this many values the middle is left out. */
const SUMMARY_THRESHOLD = 1000;

/** Any value of a link as Python's `str` would show it. */
export function valueText(value: Value): Json {
  if (value === null || typeof value !== "object") return value;
  return Array.isArray(value) || isPlain(value) ? pyRepr(value) : tensorText(value);
}

/** `tensor([[…]])`. */
export function tensorText(value: ImageBatch | MaskBatch): string {
  if (value instanceof MaskBatch) {
    const length = value.planes.reduce((sum, plane) => sum + plane.length, 0);
    return `tensor(${axis(value.planes.length, length, { depth: 1, item: (index) => numbers(value.planes[index]) })})`;
  }
  const { width, height } = value.first;
  const total = value.frames.length * width * height * 3;
  const pixel = (frame: number, at: number) => numbers(value.frames[frame]?.data.subarray(at * 3, at * 3 + 3));
  return `tensor(${
    axis(value.frames.length, total, {
      depth: 1,
      item: (frame) =>
        axis(height, total, {
          depth: 2,
          item: (y) => axis(width, total, { depth: 3, item: (x) => pixel(frame, y * width + x) }),
        }),
    })
  })`;
}

function axis(length: number, total: number, part: { depth: number; item: (index: number) => string }): string {
  const cut = total > SUMMARY_THRESHOLD && length > 2 * EDGE_ITEMS;
  const shown = Array.from(
    { length: cut ? 2 * EDGE_ITEMS : length },
    (_, index) => part.item(cut && index >= EDGE_ITEMS ? length - 2 * EDGE_ITEMS + index : index),
  );
  if (cut) shown.splice(EDGE_ITEMS, 0, "...");
  return `[${shown.join(`,${"\n".repeat(Math.max(1, 4 - part.depth))}${" ".repeat(7 + part.depth)}`)}]`;
}

function numbers(values: Float32Array | undefined): string {
  return `[${
    Array.from((values ?? new Float32Array()).subarray(0, 2 * EDGE_ITEMS), (value) => value.toFixed(4)).join(", ")
  }]`;
}
