/**
 * What waits for one watcher of many jobs: the newest events, bounded. A watcher that reads slowly loses them from here,
 * not from the store: it is told to read there again.
 */
import type { Tracked } from "../../contracts/edge/ports.ts";
import type { FleetEvent } from "../../contracts/fleet-event.ts";
import { createBell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";

/** An event in its place of the one order. One object is shared by all who watch. */
export interface FeedMail {
  seq: number;
  event: Tracked<FleetEvent>;
}

export interface FeedQueue {
  put(mail: FeedMail): void;
  /** What the feed has not brought is to be read from the store. */
  resync(): void;
  /** The next event; `resync`: all since the last one told is to be read from the store. Null once the signal aborts. */
  take(signal: AbortSignal): Promise<FeedMail | "resync" | null>;
}

/** At a thousand events a second a quarter of one. */
const MAX_WAITING = 256;
const IDLE_MS = 3_600_000;

export function createFeedQueue(clock: Clock): FeedQueue {
  const bell = createBell(clock);
  let waiting: FeedMail[] = [];
  let behind = false;

  function resync(): void {
    waiting = [];
    behind = true;
    bell.ring();
  }

  return {
    resync,
    put(mail) {
      if (behind) return;
      if (waiting.length >= MAX_WAITING) return resync();
      waiting.push(mail);
      bell.ring();
    },
    async take(signal) {
      while (!signal.aborted) {
        if (behind) {
          behind = false;
          return "resync";
        }
        const next = waiting.shift();
        if (next) return next;
        await bell.wait(IDLE_MS, signal);
      }
      return null;
    },
  };
}
