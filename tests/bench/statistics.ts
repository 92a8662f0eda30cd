/** Percentiles of small samples. */

/**
 * Linear interpolation between the two nearest ranks, so that a median of an even number of samples is their middle.
 * @param share 0..1
 * @throws RangeError without samples, or for a share outside 0..1.
 */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError("Cannot take a percentile: there are no samples");
  if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot take a percentile: ${share} is not between 0 and 1`);
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = share * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] ?? 0;
  const above = sorted[Math.ceil(rank)] ?? below;
  return below + (above - below) * (rank - Math.floor(rank));
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
