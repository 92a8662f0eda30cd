/** The interrupt flag: one for the whole server, cleared when a prompt starts, so that an early cancel can be lost. */

/** Thrown where a running prompt notices the flag. */
export class InterruptError extends Error {}

/** Set by `/interrupt` and cancel, obeyed before each node and at each progress message. */
export class InterruptFlag {
  #set = false;

  set(): void {
    this.#set = true;
  }

  clear(): void {
    this.#set = false;
  }

  /** Clears the flag. @throws {InterruptError} when it was set */
  check(): void {
    if (!this.#set) return;
    this.#set = false;
    throw new InterruptError("Processing interrupted");
  }
}
