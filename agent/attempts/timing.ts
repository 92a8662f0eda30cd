/** Every interval and deadline of an attempt; tests scale them. All in ms. */

export interface AttemptTiming {
  /** How often ComfyUI is asked, whatever its socket says. */
  pollMs: number;
  /** First look after a socket message that the lookup does not confirm yet; doubles up to `pollMs`. */
  hurryMs: number;
  /** How often a cancel is repeated until it is confirmed. */
  cancelEveryMs: number;
  /** After this a cancel that ComfyUI does not obey ends ComfyUI. */
  cancelGraceMs: number;
  /** No event of the run for this long: the attempt fails and ComfyUI is started anew. */
  noProgressMs: number;
  /**
   * How long an accepted attempt, its inputs staged, waits for a ComfyUI that is not ready or does not answer, and a
   * finished one for its outputs, before it counts as lost.
   */
  readyWithinMs: number;
  /**
   * A prompt whose POST got no answer must be unknown to ComfyUI for this long before it is posted again, and one that was
   * taken before it counts as lost.
   */
  absentAfterMs: number;
  /** How long a finished run's files stay in ComfyUI's folders: a release, which mostly comes before, takes all in one. */
  tidyAfterMs: number;
  /** How long a run goes on after a node has told of outputs before they are collected early; also between two times. */
  earlyAfterMs: number;
  /** Between two progress events of one attempt. */
  progressEveryMs: number;
}

export const DEFAULT_ATTEMPT_TIMING: AttemptTiming = {
  pollMs: 1_000,
  hurryMs: 10,
  cancelEveryMs: 1_000,
  cancelGraceMs: 60_000,
  noProgressMs: 600_000,
  readyWithinMs: 120_000,
  absentAfterMs: 2_000,
  tidyAfterMs: 1_000,
  earlyAfterMs: 250,
  progressEveryMs: 200,
};
