/** A few at a time, the others in a queue of bounded length. */

export interface Lane {
  /** @throws Error when too many wait already */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createLane({ width, maxWaiting }: { width: number; maxWaiting: number }): Lane {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (running < width) running++;
      else {
        if (waiting.length >= maxWaiting) throw new Error(`Cannot wait behind ${maxWaiting} others`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // The place goes on to the next one.
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
