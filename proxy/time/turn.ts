/** Turns of the event loop: what is ready to be done is done first. */
import { setImmediate } from "node:timers";

/** Two of them, because Node's `fetch` sends in the turn after its call. */
export function otherWorkFirst(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
