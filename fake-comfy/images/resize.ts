/** Scaling by the nearest pixel, measured at pixel centres, after a cut to the new proportions where that is asked for. */
import { pyRound } from "../python.ts";
import { cropFrame, type Frame } from "./frame.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The missing side of a size, 0, follows from the other one and the frame's proportions. Both 0: null. */
export function sizeFor(frame: Size, asked: Size): Size | null {
  if (asked.width === 0 && asked.height === 0) return null;
  if (asked.width === 0) return { ...asked, width: Math.max(1, pyRound(frame.width * asked.height / frame.height)) };
  if (asked.height === 0) return { ...asked, height: Math.max(1, pyRound(frame.height * asked.width / frame.width)) };
  return asked;
}

/** The middle part that has the proportions of `size`: what is cut away is the same on both sides. */
export function cutToProportions(frame: Frame, size: Size): Frame {
  const old = frame.width / frame.height;
  const wanted = size.width / size.height;
  const x = old > wanted ? pyRound((frame.width - frame.width * (wanted / old)) / 2) : 0;
  const y = old < wanted ? pyRound((frame.height - frame.height * (old / wanted)) / 2) : 0;
  return cropFrame(frame, { x, y, width: frame.width - 2 * x, height: frame.height - 2 * y });
}

/** Every pixel is the one whose area holds its centre. */
export function resizeNearest(frame: Frame, { width, height }: Size): Frame {
  const columns = nearest(frame.width, width);
  const rows = nearest(frame.height, height);
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = (rows[y] ?? 0) * frame.width;
    for (let x = 0; x < width; x++) {
      const from = (row + (columns[x] ?? 0)) * 3;
      data.set(frame.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data };
}

/** In float32, as the tensor library counts. */
function nearest(from: number, to: number): Int32Array {
  const scale = Math.fround(from / to);
  return Int32Array.from({ length: to }, (_, index) => {
    return Math.min(from - 1, Math.floor(Math.fround(Math.fround(index + 0.5) * scale)));
  });
}
