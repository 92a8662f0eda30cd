/** A few at a time, the others in a queue of bounded length, for as long as they want to wait. */

export interface Lane {
  /**
   * @param signal ends the wait for a turn; the work has its own
   * @throws Error when too many wait already, the signal's reason when it aborts before the turn has come
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createLane({ width, maxWaiting }: { width: number; maxWaiting: number }): Lane {
  let running = 0;
  /** Oldest first. */
  const waiting = new Set<() => void>();

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(go);
        reject(signal.reason);
      };
      const go = () => {
        waiting.delete(go);
        signal.removeEventListener("abort", leave);
        resolve();
      };
      waiting.add(go);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  return {
    async run(work, signal) {
      signal.throwIfAborted();
      if (running < width) running++;
      else {
        if (waiting.size >= maxWaiting) throw new Error(`Cannot wait behind ${maxWaiting} others`);
        await turn(signal);
      }
      try {
        return await work();
      } finally {
        const [next] = waiting;
        // The place goes on to the next one.
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
