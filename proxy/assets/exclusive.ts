/** One at a time per key, in the order of asking: file operations that must not come between two others. */

export type Exclusively = <T>(key: string, run: () => Promise<T>) => Promise<T>;

export function createExclusively(): Exclusively {
  const last = new Map<string, Promise<unknown>>();
  return async (key, run) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(run, run);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
