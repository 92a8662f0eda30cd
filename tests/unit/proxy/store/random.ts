/** Random choices that a seed repeats (mulberry32). */
export interface Random {
  /** Whole number in [0, bound). */
  below(bound: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T | undefined;
  /** @throws Error for an empty list. */
  must<T>(items: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  const pick = <T>(items: readonly T[]): T | undefined => items[below(items.length)];
  return {
    below,
    pick,
    chance: (probability) => next() < probability,
    must(items) {
      const item = pick(items);
      if (item === undefined) throw new Error("Cannot pick from nothing");
      return item;
    },
  };
}
