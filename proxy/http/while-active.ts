/** A stream that ends when the key that opened it is revoked: revocation acts on what is open, not only on new calls. */
import { FleetError } from "../../contracts/errors.ts";
import type { KeyId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { Clock } from "../pods/clock.ts";

/** With the authenticator's cache of three seconds this stays within the five that revocation may take. */
const RECHECK_MS = 1_500;

interface Keys {
  isActive: (keyId: KeyId) => Promise<boolean>;
  clock: Pick<Clock, "sleep">;
}

interface Stream<T> {
  signal: AbortSignal;
  /** Opens the stream; it must end when the signal is aborted. */
  open: (signal: AbortSignal) => AsyncIterable<T>;
}

/** A store that does not answer revokes nothing: the next look decides. */
async function abortWhenRevoked({ isActive, clock }: Keys, keyId: KeyId, revoked: AbortController, ended: AbortSignal) {
  while (true) {
    await clock.sleep(RECHECK_MS, ended);
    if (ended.aborted) return;
    if (!(await isActive(keyId).catch(() => true))) return revoked.abort();
  }
}

/** @throws FleetError `unauthorized` once the key is revoked */
export async function* whileActive<T>(
  keys: Keys,
  caller: Caller,
  { signal, open }: Stream<T>,
): AsyncGenerator<T, void> {
  const revoked = new AbortController();
  const ended = new AbortController();
  void abortWhenRevoked(keys, caller.keyId, revoked, AbortSignal.any([signal, ended.signal]));
  try {
    yield* open(AbortSignal.any([signal, revoked.signal]));
    if (revoked.signal.aborted) {
      throw new FleetError("unauthorized", "Cannot go on with the stream: the API key was revoked", {
        hint: "Ask an administrator for another key.",
      });
    }
  } finally {
    ended.abort();
  }
}
