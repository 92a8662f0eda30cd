/** A transition that could not be written down: the one fault after which the agent must not go on by its memory. */

/** What was done to ComfyUI and what the journal says may differ; the next agent finds out, by asking ComfyUI. */
export class JournalFailure extends Error {
  override readonly name = "JournalFailure";

  constructor(transition: string, cause: unknown) {
    super(`Cannot journal '${transition}': the state directory cannot be written`, { cause });
  }
}
