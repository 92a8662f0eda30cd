/** A request body that must go on: a sender that is silent or as good as silent is given up. */
import { FleetError } from "../../contracts/errors.ts";

export interface Pace {
  /** How long may be waited for {@link paceBytes} more, or for the end, ms. */
  stallMs: number;
  /** Whoever sends less in that time is as good as silent. @default 16 KiB */
  paceBytes?: number;
}

const PACE_BYTES = 16 * 1024;

/**
 * Cancels the body when it ends early, which closes the connection.
 * @throws FleetError `upload_interrupted` when too little came for too long.
 */
export async function* withoutStalls(
  body: ReadableStream<Uint8Array>,
  { stallMs, paceBytes = PACE_BYTES }: Pace,
): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  let waitedMs = 0;
  let cameBytes = 0;
  try {
    for (;;) {
      const askedMs = performance.now();
      const { done, value } = await orStall(reader.read(), { leftMs: Math.max(0, stallMs - waitedMs), stallMs });
      if (done) return;
      waitedMs += performance.now() - askedMs;
      cameBytes += value.length;
      if (cameBytes >= paceBytes) waitedMs = cameBytes = 0;
      yield value;
    }
  } finally {
    // Does nothing to a body that was read to its end; one that broke has said so already.
    await reader.cancel().catch(() => undefined);
  }
}

async function orStall<T>(read: Promise<T>, { leftMs, stallMs }: { leftMs: number; stallMs: number }): Promise<T> {
  const stall = Promise.withResolvers<never>();
  const timer = setTimeout(() => stall.reject(stalled(stallMs)), leftMs);
  try {
    return await Promise.race([read, stall.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function stalled(stallMs: number): FleetError {
  const seconds = Math.round(stallMs / 1_000);
  return new FleetError("upload_interrupted", `Cannot keep input: next to nothing of it came for ${seconds} s`, {
    hint: "Send it again.",
  });
}
