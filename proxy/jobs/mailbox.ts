/**
 * What waits for one watcher: lifecycle events and outputs in order, and of progress and previews only the newest. Bounded, so that
 * a watcher that reads slowly costs nobody anything; one that falls too far behind reads the store again.
 */
import type { Tracked } from "../../contracts/edge/ports.ts";
import type { JobEvent } from "../../contracts/event.ts";
import { createBell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";

/** An event and the job's version it belongs to. One object is shared by every watcher of the job. */
export interface Mail {
  ver: number;
  event: Tracked<JobEvent>;
}

export interface Mailbox {
  readonly previews: boolean;
  put(mail: Mail): void;
  /**
   * The next event; `resync` when some were dropped: then everything from the last version on is to be read again.
   * Null once the signal aborts.
   */
  take(signal: AbortSignal): Promise<Mail | "resync" | null>;
}

export interface MailboxOptions {
  clock: Clock;
  previews: boolean;
  /** Least time between two progress events, and between two previews. */
  intervalMs: number;
}

/** A job has two lifecycle events an attempt, so this is a watcher that has not read for a very long time. */
const MAX_STATUSES = 64;
/** More are left out: the event that ends the stream has them all. */
const MAX_OUTPUTS = 256;
const IDLE_MS = 3_600_000;

/** The newest of a kind of droppable events, given out no more often than the interval. */
class Latest {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #mail: Mail | null = null;
  #notBeforeMs = -Infinity;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  put(mail: Mail): void {
    this.#mail = mail;
  }

  /** An attempt that is over has no progress any more. */
  dropBefore(ver: number): void {
    if (this.#mail && this.#mail.ver < ver) this.#mail = null;
  }

  /** Ms until {@link Latest.take} gives something. */
  dueInMs(): number {
    return this.#mail ? Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs()) : Infinity;
  }

  take(): Mail | null {
    if (this.dueInMs() > 0) return null;
    const mail = this.#mail;
    this.#mail = null;
    this.#notBeforeMs = this.#clock.monotonicMs() + this.#intervalMs;
    return mail;
  }
}

export function createMailbox({ clock, previews, intervalMs }: MailboxOptions): Mailbox {
  const bell = createBell(clock);
  const statuses: Mail[] = [];
  const outputs: Mail[] = [];
  const progress = new Latest(clock, intervalMs);
  const preview = new Latest(clock, intervalMs);
  let overflowed = false;

  function putStatus(mail: Mail): void {
    progress.dropBefore(mail.ver);
    preview.dropBefore(mail.ver);
    statuses.push(mail);
    if (statuses.length <= MAX_STATUSES) return;
    statuses.length = 0;
    overflowed = true;
  }

  function next(): Mail | "resync" | null {
    if (overflowed) {
      overflowed = false;
      statuses.length = 0;
      return "resync";
    }
    const [status, output] = [statuses[0], outputs[0]];
    if (output && (!status || output.ver < status.ver)) return outputs.shift() ?? null;
    return statuses.shift() ?? progress.take() ?? preview.take();
  }

  return {
    previews,
    put(mail) {
      switch (mail.event.data.type) {
        case "status":
          putStatus(mail);
          break;
        case "output":
          if (outputs.length < MAX_OUTPUTS) outputs.push(mail);
          break;
        case "progress":
          progress.put(mail);
          break;
        case "preview":
          if (!previews) return;
          preview.put(mail);
          break;
      }
      bell.ring();
    },
    async take(signal) {
      while (!signal.aborted) {
        const mail = next();
        if (mail) return mail;
        await bell.wait(Math.min(IDLE_MS, progress.dueInMs(), preview.dueInMs()), signal);
      }
      return null;
    },
  };
}
