/** Every time the pod sessions use, in one place; all in ms. */

export interface PodTimings {
  /** Between two beats. */
  beatMs: number;
  /** How long an agent may take to answer `describe` or `beat`. */
  callTimeoutMs: number;
  /** The session's lease on the pod, renewed at every beat; longer than a beat that fails and its successor. */
  leaseMs: number;
  /** Beats in a row without an answer after which the pod gets no new work. */
  missedBeats: number;
  /** Silence after which `Reachable` is `unknown`. */
  unreachableMs: number;
  /** Silence after which the pod is `lost` and its attempts with it. */
  lostMs: number;
  /** How long the first event of a stream may take. */
  firstEventMs: number;
  /** Pause before a cut stream is opened again, doubling from the first to the last. */
  reopenFirstMs: number;
  reopenMaxMs: number;
  /** Between looks at a pod that speaks another protocol, or that another edge holds. */
  idleMs: number;
  /** How long the transfer of an `/object_info` body may take. */
  objectInfoMs: number;
}

/** The defaults scaled to a beat and to the two silences, which are what operators and tests set. */
export function podTimings(base: { beatMs: number; unreachableMs: number; lostMs: number }): PodTimings {
  const callTimeoutMs = Math.min(5_000, Math.max(base.beatMs, Math.ceil(base.lostMs / 4)));
  return {
    ...base,
    callTimeoutMs,
    leaseMs: base.beatMs + 2 * callTimeoutMs,
    missedBeats: 2,
    firstEventMs: 10_000,
    reopenFirstMs: 100,
    reopenMaxMs: base.beatMs,
    idleMs: 2 * base.beatMs,
    objectInfoMs: 60_000,
  };
}
