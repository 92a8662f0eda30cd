/** A request body that must go on: a sender that is silent for too long is given up. */
import { FleetError } from "../../contracts/errors.ts";

/**
 * Cancels the body when it ends early, which closes the connection.
 * @throws FleetError `upload_interrupted` when no byte came for `stallMs`.
 */
export async function* withoutStalls(
  body: ReadableStream<Uint8Array>,
  stallMs: number,
): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await orStall(reader.read(), stallMs);
      if (done) return;
      yield value;
    }
  } finally {
    // Does nothing to a body that was read to its end; one that broke has said so already.
    await reader.cancel().catch(() => undefined);
  }
}

async function orStall<T>(read: Promise<T>, stallMs: number): Promise<T> {
  const stall = Promise.withResolvers<never>();
  const timer = setTimeout(() => stall.reject(stalled(stallMs)), stallMs);
  try {
    return await Promise.race([read, stall.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function stalled(stallMs: number): FleetError {
  const seconds = Math.round(stallMs / 1_000);
  return new FleetError("upload_interrupted", `Cannot keep input: no byte of it came for ${seconds} s`, {
    hint: "Send it again.",
  });
}
