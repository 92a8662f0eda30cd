/** A stream that ends when the key that opened it is revoked: revocation acts on what is open, not only on new calls. */
import { FleetError } from "../../contracts/errors.ts";
import type { KeyId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { Clock } from "../time/clock.ts";

/** With the authenticator's cache of three seconds this stays within the five that revocation may take. */
const RECHECK_MS = 1_500;

interface Keys {
  isActive: (keyId: KeyId) => Promise<boolean>;
  clock: Pick<Clock, "sleep">;
}

interface Stream<T, R> {
  signal: AbortSignal;
  /** Opens the stream; it must end when the signal is aborted. */
  open: (signal: AbortSignal) => AsyncIterable<T, R>;
}

/** Resolves with true once the key is revoked, with false at the end. A store that does not answer revokes nothing. */
export async function untilRevoked({ isActive, clock }: Keys, keyId: KeyId, ended: AbortSignal): Promise<boolean> {
  while (true) {
    await clock.sleep(RECHECK_MS, ended);
    if (ended.aborted) return false;
    if (!(await isActive(keyId).catch(() => true))) return true;
  }
}

/** @throws FleetError `unauthorized` once the key is revoked */
export async function* whileActive<T, R>(
  keys: Keys,
  caller: Caller,
  { signal, open }: Stream<T, R>,
): AsyncGenerator<T, R> {
  const revoked = new AbortController();
  const ended = new AbortController();
  void untilRevoked(keys, caller.keyId, AbortSignal.any([signal, ended.signal])).then((found) => {
    if (found) revoked.abort();
  });
  try {
    const last = yield* open(AbortSignal.any([signal, revoked.signal]));
    if (revoked.signal.aborted) {
      throw new FleetError("unauthorized", "Cannot go on with the stream: the API key was revoked", {
        hint: "Ask an administrator for another key.",
      });
    }
    return last;
  } finally {
    ended.abort("over");
  }
}
