/** One call to another process: it ends by its deadline, whatever the other side or the callee does. */
import { FleetError } from "../../contracts/errors.ts";
import type { Clock } from "./clock.ts";

export interface DeadlineOptions {
  clock: Pick<Clock, "after">;
  timeoutMs: number;
  signal: AbortSignal;
  /** What is being done, for the message: "Cannot <action>: no answer within …". */
  action: string;
}

/**
 * Runs `call` with a signal that aborts at the deadline or with the caller's.
 * @throws FleetError `timeout` at the deadline; the signal's reason when the caller aborted; else what `call` throws.
 */
export async function withDeadline<T>(options: DeadlineOptions, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, signal, action } = options;
  signal.throwIfAborted();
  const inner = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    inner.abort(reason);
    ended.reject(inner.signal.reason);
  };
  const forward = () => end(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  const callOff = clock.after(timeoutMs, () => {
    end(new FleetError("timeout", `Cannot ${action}: no answer within ${timeoutMs} ms`));
  });
  try {
    return await Promise.race([call(inner.signal), ended.promise]);
  } catch (error) {
    throw inner.signal.aborted ? inner.signal.reason : error;
  } finally {
    callOff();
    signal.removeEventListener("abort", forward);
  }
}
