/** CUDA contexts that broke under jobs: one may be the job's own doing, several jobs' are the GPU's. Pure. */
import type { WorkFault } from "./memory.ts";
import type { Finding } from "./reasons.ts";

export const FAULT_WINDOW_MS = 30 * 60_000;
const DIFFERENT_JOBS = 3;
/** Kept at most; only the last half hour counts anyway. */
const MAX_FAULTS = 100;

export function withFault(faults: readonly WorkFault[], fault: WorkFault): WorkFault[] {
  return [...recent(faults, fault.atMs), fault].slice(-MAX_FAULTS);
}

function recent(faults: readonly WorkFault[], nowMs: number): WorkFault[] {
  return faults.filter(({ atMs }) => nowMs - atMs < FAULT_WINDOW_MS);
}

/** @param lastSuccessMs when a job last went well here */
export function faultFinding(
  faults: readonly WorkFault[],
  { nowMs, lastSuccessMs }: { nowMs: number; lastSuccessMs: number | null },
): Finding | null {
  const firsts = new Map<string, number>();
  for (const { jobId, atMs } of recent(faults, nowMs)) if (!firsts.has(jobId)) firsts.set(jobId, atMs);
  if (firsts.size < DIFFERENT_JOBS) return null;
  const times = [...firsts.values()].toSorted((a, b) => a - b);
  const thirdLast = times.at(-DIFFERENT_JOBS) ?? nowMs;
  // ComfyUI is started anew after each of them, so what went on failing survived that.
  const lasting = lastSuccessMs === null || lastSuccessMs < thirdLast;
  const words = `${DIFFERENT_JOBS} different jobs or more have broken the CUDA context within half an hour`;
  return lasting
    ? { code: "cuda_faults_lasting", gpu: null, detail: `${words}, and none has succeeded in between.` }
    : { code: "cuda_faults", gpu: null, detail: `${words}.` };
}
