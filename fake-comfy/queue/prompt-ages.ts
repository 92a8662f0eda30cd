/** When each prompt was taken, began and ended: what faults that depend on it ask. */

/** Milliseconds since each step; null for one that was not reached. */
export interface PromptAges {
  readonly takenMs: number;
  readonly begunMs: number | null;
  readonly endedMs: number | null;
}

interface Times {
  takenAtMs: number;
  begunAtMs: number | null;
  endedAtMs: number | null;
}

/** More than any test submits to one server. */
const KEPT = 20_000;

/** The steps of the prompts of one server. */
export class PromptTimes {
  readonly #monotonicMs: () => number;
  readonly #times = new Map<string, Times>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  taken(promptId: string): void {
    if (this.#times.size >= KEPT) this.#times.clear();
    this.#times.set(promptId, { takenAtMs: this.#monotonicMs(), begunAtMs: null, endedAtMs: null });
  }

  begun(promptId: string): void {
    const times = this.#times.get(promptId);
    if (times !== undefined) times.begunAtMs = this.#monotonicMs();
  }

  ended(promptId: string): void {
    const times = this.#times.get(promptId);
    if (times !== undefined) times.endedAtMs = this.#monotonicMs();
  }

  agesOf(promptId: string): PromptAges | null {
    const times = this.#times.get(promptId);
    if (times === undefined) return null;
    const nowMs = this.#monotonicMs();
    const since = (atMs: number | null) => atMs === null ? null : nowMs - atMs;
    return { takenMs: nowMs - times.takenAtMs, begunMs: since(times.begunAtMs), endedMs: since(times.endedAtMs) };
  }
}
