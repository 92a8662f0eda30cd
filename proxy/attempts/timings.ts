/** Every time and bound on the way of an attempt, in one place; times in ms. */

export interface AttemptTimings {
  /** How long the agent may take to answer `attempts.start`. */
  startMs: number;
  /** How long each `attempts.get` after an unanswered start may take, how many there are, and the first pause. */
  askMs: number;
  askTries: number;
  askPauseMs: number;
  /** Before a job that a pod gave back may be assigned again, doubling with each in a row from the first to the last. */
  giveBackFirstMs: number;
  giveBackMaxMs: number;
  /** The first pause after a second loss, doubling up to the last; the first loss costs none. */
  lossFirstMs: number;
  lossMaxMs: number;
  /** Counted losses after which the job fails. */
  maxLosses: number;
  /** Losses after which a failure that is a pod's fault is believed: a graph that hangs everywhere costs hours each time. */
  maxPodFaults: number;
  /** How long a transfer of bytes may make no progress. */
  stallMs: number;
  /** Tries in a row, without a byte between them, that the transfer of one output is given before the next beat. */
  collectTries: number;
  /** Outputs of one attempt that are fetched at once. */
  collectParallel: number;
  /** Largest output that is stored. */
  maxOutputBytes: number;
  /** How long a settled attempt stays with its agent before the call that lets it forget it and others, and how long that may take. */
  releaseAfterMs: number;
  releaseMs: number;
}

export const ATTEMPT_TIMINGS: AttemptTimings = {
  startMs: 10_000,
  askMs: 3_000,
  askTries: 4,
  askPauseMs: 250,
  giveBackFirstMs: 250,
  giveBackMaxMs: 30_000,
  lossFirstMs: 1_000,
  lossMaxMs: 30_000,
  maxLosses: 20,
  maxPodFaults: 3,
  stallMs: 20_000,
  collectTries: 5,
  collectParallel: 4,
  maxOutputBytes: 512 * 1024 * 1024,
  releaseAfterMs: 250,
  releaseMs: 5_000,
};
