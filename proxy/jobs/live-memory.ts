/**
 * What a job's feed remembers of the attempt that goes on, for watchers that join later: its newest preview, and the
 * outputs that are home. Best effort: the store and the job's last event are the truth of outputs.
 */
import type { Output } from "../../contracts/asset.ts";
import type { JobEvent } from "../../contracts/event.ts";

export interface LiveMemory {
  /** Another attempt, or none: what was remembered is of no use any more. */
  begin(no: number | null): void;
  preview(event: JobEvent): void;
  /** The pod has said that it has so many. */
  expect(outputs: number): void;
  /** Whether the store may have outputs that were not told. */
  isBehind(): boolean;
  /** Those of them that were not told yet; told from now on. */
  untold(outputs: readonly Output[]): Output[];
  /** What a new watcher has missed. */
  missed(options: { previews: boolean }): { outputs: readonly Output[]; preview: JobEvent | null };
}

function keyOf({ nodeId, name, sha256 }: Output): string {
  return JSON.stringify([nodeId, name, sha256]);
}

export function createLiveMemory(): LiveMemory {
  const told = new Map<string, Output>();
  let current: number | null = null;
  let expected = 0;
  let newest: JobEvent | null = null;
  return {
    begin(no) {
      if (no === current) return;
      current = no;
      expected = 0;
      newest = null;
      told.clear();
    },
    preview(event) {
      newest = event;
    },
    expect(outputs) {
      expected = Math.max(expected, outputs);
    },
    isBehind: () => told.size < expected,
    untold(outputs) {
      const fresh = outputs.filter((output) => !told.has(keyOf(output)));
      for (const output of fresh) told.set(keyOf(output), output);
      return fresh;
    },
    missed: ({ previews }) => ({ outputs: [...told.values()], preview: previews ? newest : null }),
  };
}
