/** A command that Ctrl-C, SIGTERM or a closed terminal ended before it was done. */
import { FleetError } from "../contracts/errors.ts";

export function interruption(action: string, hint?: string): FleetError {
  return new FleetError("canceled", `Cannot ${action}: it was interrupted`, { hint });
}

/** The work's result, or the signal's reason as soon as it is aborted; the work itself goes on unheard. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
