/**
 * ComfyUI's log as operators read it: the newest lines under numbers that only grow, over every life of ComfyUI that this
 * agent sees. Bounded; a reader who is too slow is told how much it missed.
 */
import type { Clock } from "../clock.ts";
import type { LogLine } from "./log-lines.ts";

export interface FeedLine {
  /** From 1; a transient line has the number of the line that takes its place. */
  number: number;
  atMs: number;
  text: string;
  transient: boolean;
}

/** `through` is the last number that is behind the reader for good. */
export type FeedItem =
  | { type: "line"; line: FeedLine; through: number }
  | { type: "gap"; missed: number; through: number };

export interface LogFeed {
  /** Names this feed: numbers of another one mean nothing here. */
  readonly id: string;
  add(line: LogLine): void;
  /** The newest `count` lines, oldest first. */
  last(count: number): FeedLine[];
  /** Number of the line that comes next, or that may still be replaced. */
  readonly next: number;
  /** Lines from number `first` on, those that are there and those that come, until the signal aborts. */
  follow(first: number, signal: AbortSignal): AsyncGenerator<FeedItem, void>;
}

export interface LogFeedOptions {
  id: string;
  clock: Pick<Clock, "now">;
  maxLines: number;
  /** Of all lines together. */
  maxChars: number;
}

interface Entry extends FeedLine {
  /** Rises with every line, also with one that takes another's place. */
  seq: number;
}

export function createLogFeed({ id, clock, maxLines, maxChars }: LogFeedOptions): LogFeed {
  const entries: Entry[] = [];
  const readers = new Set<() => void>();
  let next = 1;
  let seq = 0;
  let chars = 0;

  function add({ text, transient }: LogLine): void {
    const before = entries.at(-1);
    if (before?.transient) {
      entries.pop();
      chars -= before.text.length;
      next = before.number;
    }
    seq += 1;
    entries.push({ number: next, atMs: clock.now(), text, transient, seq });
    next += 1;
    chars += text.length;
    while (entries.length > maxLines || (chars > maxChars && entries.length > 1)) {
      chars -= entries.shift()?.text.length ?? 0;
    }
    for (const wake of readers) wake();
  }

  async function* follow(first: number, signal: AbortSignal): AsyncGenerator<FeedItem, void> {
    let wanted = first;
    let seenSeq = 0;
    let wake = () => {};
    const ring = () => wake();
    readers.add(ring);
    signal.addEventListener("abort", ring);
    try {
      while (!signal.aborted) {
        const oldest = entries[0]?.number ?? next;
        if (oldest > wanted) {
          const missed = oldest - wanted;
          wanted = oldest;
          yield { type: "gap", missed, through: oldest - 1 };
          continue;
        }
        const entry = entries[wanted - oldest];
        if (entry === undefined || entry.seq <= seenSeq) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        seenSeq = entry.seq;
        if (!entry.transient) wanted = entry.number + 1;
        yield { type: "line", line: toLine(entry), through: wanted - 1 };
      }
    } finally {
      readers.delete(ring);
      signal.removeEventListener("abort", ring);
    }
  }

  return {
    id,
    add,
    follow,
    last: (count) => (count === 0 ? [] : entries.slice(-count).map(toLine)),
    get next() {
      const newest = entries.at(-1);
      return newest?.transient ? newest.number : next;
    },
  };
}

function toLine({ number, atMs, text, transient }: Entry): FeedLine {
  return { number, atMs, text, transient };
}
