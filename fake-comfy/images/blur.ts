/** A Gaussian blur as the tensor library does it: a square kernel, borders mirrored without repeating the edge. */
import type { Frame } from "./frame.ts";

/**
 * One row of the kernel, which is its own product in both directions: `2 * radius + 1` weights with the sum 1, of a bell
 * over -1 to 1 whatever the radius.
 */
export function bellWeights(radius: number, sigma: number): Float64Array {
  const size = 2 * radius + 1;
  const weights = Float64Array.from({ length: size }, (_, index) => {
    const position = index / radius - 1;
    return Math.exp(-(position * position) / (2 * sigma * sigma));
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** @param weights of {@link bellWeights}; the radius has to be smaller than the frame's width and height. */
export function blurFrame(frame: Frame, weights: Float64Array): Frame {
  const { width, height, data } = frame;
  const radius = (weights.length - 1) / 2;
  const across = new Float64Array(data.length);
  const data64 = new Float64Array(data);
  const columns = mirrored(width, radius);
  const rows = mirrored(height, radius);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) {
          sum += (weights[tap] ?? 0) * (data64[(row + (columns[x + tap] ?? 0)) * 3 + channel] ?? 0);
        }
        across[(row + x) * 3 + channel] = sum;
      }
    }
  }
  const blurred = new Float32Array(data.length);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    for (let offset = 0; offset < stride; offset++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) {
        sum += (weights[tap] ?? 0) * (across[(rows[y + tap] ?? 0) * stride + offset] ?? 0);
      }
      blurred[y * stride + offset] = sum;
    }
  }
  return { width, height, data: blurred };
}

/** Which of `length` values stands at each place from `-radius` to `length + radius`. */
function mirrored(length: number, radius: number): Int32Array {
  const last = length - 1;
  return Int32Array.from({ length: length + 2 * radius }, (_, index) => {
    const place = Math.abs(index - radius);
    return place <= last ? place : 2 * last - place;
  });
}
