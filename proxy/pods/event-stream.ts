/**
 * One connection of a subscription as an async iterable: the first cut ends the iteration with an error, and whoever
 * watches decides when to open the next one.
 */
import { FleetError } from "../../contracts/errors.ts";
import { STREAM_PING_MS } from "../../contracts/trpc.ts";
import { isAbort, toAgentError } from "./agent-error.ts";
import type { Clock } from "../time/clock.ts";
import { createEventQueue } from "./event-queue.ts";

/** What the subscription calls; any of the ends may be called more than once. */
export interface StreamSink {
  /** Bytes have come, of events or of the agent's keep-alive. */
  alive(): void;
  /** @param chars of its JSON */
  data(value: unknown, chars: number): void;
  /** The connection is gone; `error` says why where that is known. */
  cut(error: unknown): void;
  /** The agent ended the stream in order. */
  end(): void;
}

export interface StreamOptions<T> {
  open(sink: StreamSink): { unsubscribe(): void };
  /** Null for what is to be left out. */
  parse(value: unknown): T | null;
  clock: StreamClock;
  /** How long the first event may take. */
  firstEventMs: number;
  /** How long nothing may come after it, the agent's keep-alive every 15 s included. */
  silenceMs: number;
  signal: AbortSignal;
}

/** How long a stream of an agent may be silent: it says something every 15 s, and this is two such and some. */
export const AGENT_SILENCE_MS = 2 * STREAM_PING_MS + 5_000;

/** A reader this far behind is cut off: the next connection starts with a snapshot, memory does not grow. */
const QUEUE_LIMITS = { maxEvents: 2_000, maxChars: 16 * 1024 * 1024 };

type StreamClock = Pick<Clock, "after" | "monotonicMs">;

/** Calls back once nothing has come for so long. One timer a while, not one an event. */
function watchSilence(clock: StreamClock, silenceMs: number, passed: () => void): { broken(): void; end(): void } {
  let lastMs = clock.monotonicMs();
  let callOff = clock.after(silenceMs, look);
  function look(): void {
    const leftMs = lastMs + silenceMs - clock.monotonicMs();
    if (leftMs <= 0) return passed();
    callOff = clock.after(leftMs, look);
  }
  return {
    broken() {
      lastMs = clock.monotonicMs();
    },
    end: () => callOff(),
  };
}

/** @throws FleetError when the stream is cut, silent, or fails; the signal's reason when aborted. */
export async function* singleConnection<T>(options: StreamOptions<T>): AsyncGenerator<T, void> {
  const { clock, signal } = options;
  signal.throwIfAborted();
  const queue = createEventQueue(QUEUE_LIMITS);
  let finish: { error: unknown } | "end" | null = null;
  let wake = () => {};
  const settle = (how: { error: unknown } | "end") => {
    finish ??= how;
    wake();
  };
  const onAbort = () => settle({ error: signal.reason });
  const next = () => signal.aborted ? undefined : queue.shift();
  const callOffFirst = clock.after(options.firstEventMs, () => {
    settle({ error: new FleetError("timeout", "Cannot watch the agent: no first event") });
  });
  signal.addEventListener("abort", onAbort, { once: true });
  // After a cut of the network the kernel may take minutes to try again: a stream without life is given up before.
  const silence = watchSilence(clock, options.silenceMs, () => {
    settle({ error: new FleetError("timeout", "Cannot watch the agent: its stream has fallen silent") });
  });
  const subscription = options.open({
    alive: silence.broken,
    data(value, chars) {
      silence.broken();
      callOffFirst();
      if (!queue.push(value, chars)) {
        return settle({ error: new FleetError("agent_unreachable", "Cannot watch the agent: too many unread events") });
      }
      wake();
    },
    cut: (error) => settle({ error }),
    end: () => settle("end"),
  });
  try {
    for (;;) {
      for (let value = next(); value !== undefined; value = next()) {
        const event = options.parse(value);
        if (event !== null) yield event;
      }
      const how = finish as { error: unknown } | "end" | null;
      if (how === "end") return;
      if (how) throw how.error;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : isAbort(error) ? error : toAgentError(error);
  } finally {
    callOffFirst();
    silence.end();
    signal.removeEventListener("abort", onAbort);
    subscription.unsubscribe();
  }
}
