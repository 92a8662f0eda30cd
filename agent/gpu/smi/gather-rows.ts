/** Rows of one round of nvidia-smi's loop → one sample: a round has one row for each GPU, in the order of their indexes. */
import type { Clock } from "../../comfy/clock.ts";
import type { Row } from "./parse-row.ts";

export interface RowGatherer {
  add(row: Row): void;
  /** Nothing is handed on after this. */
  stop(): void;
}

/**
 * A round is over when its first index comes again, or when no row came for `quietMs`: rows of one round are written
 * together.
 */
export function createRowGatherer(
  { clock, quietMs, onRound }: { clock: Clock; quietMs: number; onRound: (rows: Row[]) => void },
): RowGatherer {
  let rows: Row[] = [];
  let pending = new AbortController();

  function finish(): void {
    pending.abort();
    const round = rows;
    rows = [];
    if (round.length > 0) onRound(round);
  }

  async function finishWhenQuiet(own: AbortController): Promise<void> {
    await clock.sleep(quietMs, own.signal);
    if (!own.signal.aborted) finish();
  }

  return {
    add(row) {
      const last = rows.at(-1)?.reading.index ?? -1;
      if (rows.length > 0 && (row.reading.index ?? last + 1) <= last) finish();
      rows.push(row);
      pending.abort();
      pending = new AbortController();
      void finishWhenQuiet(pending);
    },
    stop() {
      pending.abort();
      rows = [];
    },
  };
}
