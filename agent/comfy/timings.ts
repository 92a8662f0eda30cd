/** Every deadline and interval of the ComfyUI part, in milliseconds, with what it is for. Tests scale them down. */

export interface ComfyTimings {
  /** Between two looks for readiness while ComfyUI starts. */
  readinessPollMs: number;
  /** A start that neither logs nor gets ready for this long has failed. */
  startQuietMs: number;
  /** A start that takes longer than this has failed, however much it logs. */
  startMaxMs: number;
  /** How long a live process of an earlier agent may take to prove its identity. */
  adoptWithinMs: number;
  /** SIGINT to SIGKILL. */
  stopGraceMs: number;
  /** SIGKILL to giving up on a process that is stuck in the kernel. */
  killWaitMs: number;
  /** Between two looks whether a process is still there. */
  processPollMs: number;
  /** Between two liveness probes. */
  livenessEveryMs: number;
  /** No answer for this long → `Unresponsive`. A node that holds Python's lock silences HTTP for tens of seconds. */
  unresponsiveAfterMs: number;
  /** Prompts wait and none runs for this long → `WorkerDied`. Attached: they bring no message for this long → ask its log. */
  workerStallMs: number;
  /** Between two looks whether a ComfyUI that is to be started anew is idle. */
  recyclePollMs: number;
  /** Between two looks at ComfyUI's memory. */
  memoryEveryMs: number;
  /** How long ComfyUI may take to give memory back when it is asked to; how often that is looked at meanwhile. */
  memoryFreeMs: number;
  memoryPollMs: number;
  /** Between two cancels of a prompt that an attached ComfyUI does not drop. */
  evictEveryMs: number;
  /** Between two looks at the size of the temporary folder. */
  tempPruneEveryMs: number;
  /** Temporary files older than this are deleted; much longer than a run. */
  tempMaxAgeMs: number;
  /** When there are too many of them, those that are at least this old go too. */
  tempKeepMs: number;
  /** From a GPU fault in the log to the restart, so that the failed job's error can be read first. */
  gpuFaultGraceMs: number;
  /** First wait before a restart. */
  backoffBaseMs: number;
  backoffMaxMs: number;
  /** Ready for this long → the next failure counts as the first. */
  stableAfterMs: number;
  /** Between two looks at the log file. */
  logPollMs: number;
  /** An ordinary request. */
  requestTimeoutMs: number;
  /** POST /prompt: it lists model folders, which may lie on a network volume. */
  submitTimeoutMs: number;
  /** /object_info: seconds and megabytes with many custom nodes. */
  objectInfoTimeoutMs: number;
  /** One upload over HTTP. */
  uploadTimeoutMs: number;
  /** From opening the socket to its first `status`. */
  socketOpenMs: number;
  /** Between our WebSocket pings. */
  socketPingMs: number;
  /** Silence after which a socket is opened anew; must span several pings. */
  socketSilenceMs: number;
  /** After a submit ComfyUI tells everybody its queue; a socket that hears nothing for this long is deaf. */
  socketDeafMs: number;
  socketBackoffBaseMs: number;
  socketBackoffMaxMs: number;
}

export const DEFAULT_TIMINGS: Readonly<ComfyTimings> = {
  readinessPollMs: 100,
  startQuietMs: 180_000,
  startMaxMs: 600_000,
  adoptWithinMs: 60_000,
  stopGraceMs: 10_000,
  killWaitMs: 5_000,
  processPollMs: 250,
  livenessEveryMs: 5_000,
  unresponsiveAfterMs: 60_000,
  workerStallMs: 10_000,
  recyclePollMs: 500,
  memoryEveryMs: 15_000,
  memoryFreeMs: 10_000,
  memoryPollMs: 500,
  evictEveryMs: 1_000,
  tempPruneEveryMs: 600_000,
  tempMaxAgeMs: 86_400_000,
  tempKeepMs: 7_200_000,
  gpuFaultGraceMs: 3_000,
  backoffBaseMs: 500,
  backoffMaxMs: 60_000,
  stableAfterMs: 60_000,
  logPollMs: 250,
  requestTimeoutMs: 10_000,
  submitTimeoutMs: 60_000,
  objectInfoTimeoutMs: 60_000,
  uploadTimeoutMs: 600_000,
  socketOpenMs: 10_000,
  socketPingMs: 15_000,
  socketSilenceMs: 45_000,
  socketDeafMs: 2_000,
  socketBackoffBaseMs: 100,
  socketBackoffMaxMs: 5_000,
};
