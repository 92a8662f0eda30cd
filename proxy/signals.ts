/**
 * Hints between the edge's loops inside one process: "look again now". A lost hint costs one poll interval, never
 * correctness, so nothing may depend on their delivery or order.
 */
import type { JobRow } from "./store/job-store.ts";

interface Hints {
  /** The queue may have changed: the planner should look. */
  queue: void;
  /** A pod's slots, phase or capability may have changed: the planner should look. */
  pods: void;
  /** This job has a new lifecycle event, or a cancel was asked for: the job as its transition left it. */
  job: JobRow;
}

export interface Signals {
  emit<K extends keyof Hints>(kind: K, value: Hints[K]): void;
  on<K extends keyof Hints>(kind: K, listener: (value: Hints[K]) => void): () => void;
}

export function createSignals(): Signals {
  const listeners: { [K in keyof Hints]: Set<(value: Hints[K]) => void> } = {
    queue: new Set(),
    pods: new Set(),
    job: new Set(),
  };
  return {
    emit(kind, value) {
      for (const listener of listeners[kind]) listener(value);
    },
    on(kind, listener) {
      listeners[kind].add(listener);
      return () => listeners[kind].delete(listener);
    },
  };
}
