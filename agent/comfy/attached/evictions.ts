/**
 * Prompts that nobody waits for any more and that an attached ComfyUI may still run: it cannot be restarted from here, so
 * each is canceled on and on until ComfyUI's queue no longer holds it. Until then its slot is not free.
 */
import type { Clock } from "../clock.ts";
import type { EndCause } from "../end-cause.ts";
import type { ComfyApi } from "../port.ts";

export interface Evictions {
  readonly promptIds: readonly string[];
  /** Why the oldest of them is to go; null when there is none. */
  readonly cause: EndCause | null;
  add(promptId: string, cause: EndCause): void;
  /** ComfyUI is gone, and every prompt with it. */
  forget(): void;
  /** Ends the work; what is held stays held. */
  stop(): void;
  /** Goes on after a stop. */
  start(): void;
}

export interface EvictionOptions {
  api: Pick<ComfyApi, "lookup" | "cancel">;
  clock: Clock;
  /** Between two looks. */
  everyMs: number;
  onChange: () => void;
}

export function createEvictions({ api, clock, everyMs, onChange }: EvictionOptions): Evictions {
  const held = new Map<string, EndCause>();
  let life: AbortController | null = null;

  async function isOver(promptId: string, signal: AbortSignal): Promise<boolean> {
    try {
      const { status } = await api.lookup(promptId, signal);
      if (status !== "pending" && status !== "running") return true;
      await api.cancel(promptId, signal);
    } catch {
      // It does not answer now; it is asked again.
    }
    return false;
  }

  async function evict(promptId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && held.has(promptId)) {
      if (await isOver(promptId, signal) && !signal.aborted && held.delete(promptId)) onChange();
      else await clock.sleep(everyMs, signal);
    }
  }

  return {
    get promptIds() {
      return [...held.keys()];
    },
    get cause() {
      return held.values().next().value ?? null;
    },
    add(promptId, cause) {
      const isNew = !held.has(promptId);
      held.set(promptId, cause);
      onChange();
      if (isNew && life !== null) void evict(promptId, life.signal);
    },
    forget() {
      if (held.size === 0) return;
      held.clear();
      onChange();
    },
    stop() {
      life?.abort();
      life = null;
    },
    start() {
      if (life !== null) return;
      life = new AbortController();
      for (const promptId of held.keys()) void evict(promptId, life.signal);
    },
  };
}
