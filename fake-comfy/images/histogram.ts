/**
 * Histogram matching per channel with 256 bins: each value of the target moves to the value of the reference that has
 * the same share of the picture below it.
 */
import type { Frame } from "./frame.ts";

const BINS = 256;

/** The cumulative share of pixels per bin, one row of 256 values per channel, in float32. */
export type Cdf = readonly Float32Array[];

/** Counts the frames together and returns their cumulative shares. */
export function cumulativeShares(frames: readonly Frame[]): Cdf {
  return [0, 1, 2].map((channel) => {
    const counts = new Float64Array(BINS);
    for (const frame of frames) {
      for (let index = channel; index < frame.data.length; index += 3) {
        const bin = binOf(frame.data[index] ?? 0);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
    }
    const shares = new Float32Array(BINS);
    let sum = 0;
    for (let bin = 0; bin < BINS; bin++) {
      sum += counts[bin] ?? 0;
      shares[bin] = sum;
    }
    return shares.map((value) => value / sum);
  });
}

/** For each channel and source bin, the value in 0..1 that it turns into. */
export function matchingTable(source: Cdf, reference: Cdf): readonly Float32Array[] {
  return source.map((shares, channel) => {
    const target = reference[channel] ?? shares;
    return shares.map((share) => {
      let bin = 0;
      while (bin < BINS - 1 && (target[bin] ?? 1) < share) bin++;
      return bin / (BINS - 1);
    });
  });
}

/** Applies a table; `strength` 1 replaces the values, others mix (0.5 = half way, above 1 overshoots and is clamped). */
export function applyTable(frame: Frame, table: readonly Float32Array[], strength: number): Frame {
  const data = new Float32Array(frame.data.length);
  for (let index = 0; index < data.length; index++) {
    const value = frame.data[index] ?? 0;
    const matched = table[index % 3]?.[binOf(value)] ?? 0;
    const mixed = strength === 1 ? matched : value + strength * (matched - value);
    data[index] = mixed < 0 ? 0 : mixed > 1 ? 1 : mixed;
  }
  return { ...frame, data };
}

function binOf(value: number): number {
  const bin = Math.trunc(Math.fround(value * (BINS - 1)));
  return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
}
