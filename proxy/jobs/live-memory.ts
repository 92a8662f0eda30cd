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
  /** The pod has said that it has so many; whether it had fewer before. */
  expect(outputs: number): boolean;
  /** The job was written: what is missing may be there now. */
  hint(): void;
  /**
   * Whether to look whether the store has outputs that were not told. Each look that finds none makes the next ones rarer,
   * because some never come: one too large to be stored, for instance.
   */
  isDue(): boolean;
  /** Those of the job's that were not told yet; told from now on. */
  untold(outputs: readonly Output[]): Output[];
  /** What a new watcher has missed. */
  missed(options: { previews: boolean }): { outputs: readonly Output[]; preview: JobEvent | null };
}

function keyOf({ nodeId, name, sha256 }: Output): string {
  return JSON.stringify([nodeId, name, sha256]);
}

/** Looks in vain before they become rarer. */
const PATIENCE = 3;
/** Looks left out between two, at most. */
const MAX_LEFT_OUT = 32;

export function createLiveMemory(): LiveMemory {
  const told = new Map<string, Output>();
  let current: number | null = null;
  let expected = 0;
  /** Of the job, as last looked at: more than were told where two are alike. */
  let home = 0;
  let hinted = false;
  let inVain = 0;
  let toLeaveOut = 0;
  let newest: JobEvent | null = null;
  return {
    begin(no) {
      if (no === current) return;
      current = no;
      expected = 0;
      home = 0;
      inVain = 0;
      toLeaveOut = 0;
      newest = null;
      told.clear();
    },
    preview(event) {
      newest = event;
    },
    expect(outputs) {
      if (outputs <= expected) return false;
      expected = outputs;
      inVain = 0;
      toLeaveOut = 0;
      return true;
    },
    hint() {
      hinted = true;
    },
    isDue() {
      if (home >= expected) return false;
      if (!hinted && toLeaveOut > 0) {
        toLeaveOut -= 1;
        return false;
      }
      return true;
    },
    untold(outputs) {
      inVain = outputs.length > home ? 0 : inVain + 1;
      toLeaveOut = inVain < PATIENCE ? 0 : Math.min(2 ** (inVain - PATIENCE), MAX_LEFT_OUT);
      home = outputs.length;
      hinted = false;
      const fresh = outputs.filter((output) => !told.has(keyOf(output)));
      for (const output of fresh) told.set(keyOf(output), output);
      return fresh;
    },
    missed: ({ previews }) => ({ outputs: [...told.values()], preview: previews ? newest : null }),
  };
}
