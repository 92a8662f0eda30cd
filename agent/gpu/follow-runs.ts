/** What the ends of attempts say of the GPU, told to its judge: each attempt's end once. */
import type { AttemptReport } from "../../contracts/attempt.ts";

/** An attempt is reported several times; so many ends are remembered. */
const MAX_KNOWN = 1_000;

export interface RunJudge {
  noteRun(run: { is: "work_fault"; jobId: string } | { is: "work_success" }): void;
}

export interface Reporter {
  onReport(listener: (report: AttemptReport) => void): () => void;
}

/** Returns the unsubscribe function. */
export function followRuns(attempts: Reporter, gpu: RunJudge): () => void {
  const known = new Set<string>();
  return attempts.onReport(({ attemptId, jobId, state, error }) => {
    const broken = error?.code === "gpu_fault";
    if ((state !== "succeeded" && !broken) || known.has(attemptId)) return;
    known.add(attemptId);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    gpu.noteRun(broken ? { is: "work_fault", jobId } : { is: "work_success" });
  });
}
