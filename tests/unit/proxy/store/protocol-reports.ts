/** What an edge does with a pod's report, as the settlement does it. */
import { type FleetOptions, type Report, resultHash } from "./protocol-parts.ts";
import { sampleAsset, sampleError, sampleOutput, sampleReceipt } from "./samples.ts";

/** `late`: the result of an attempt that was given up for lost. `refused`: the store threw. */
export type Applied = "taken" | "late" | "refused";

export async function applyReport(
  { store, tenantId }: Pick<FleetOptions, "store" | "tenantId">,
  { jobId, no, state }: Report,
  maxLosses: number,
): Promise<Applied> {
  switch (state) {
    case "waiting":
      break;
    case "withdrawn": {
      const confirmed = await store.confirmCanceled({ jobId, no });
      const back = { reason: "recalled", countLoss: false, retryInMs: 0, maxLosses };
      if (confirmed.status !== "done") await store.loseAttempt({ jobId, no, ...back });
      break;
    }
    case "running":
      await store.startJob({ jobId, no });
      break;
    case "failed":
      await store.failJob({ jobId, no, error: sampleError, receipt: sampleReceipt });
      break;
    case "canceled":
      await store.confirmCanceled({ jobId, no });
      break;
    case "succeeded": {
      const asset = sampleAsset(tenantId, { sha256: resultHash(jobId, no) });
      const result = { jobId, no, outputs: [sampleOutput(jobId, asset)], assets: [asset], receipt: sampleReceipt };
      try {
        const done = await store.completeJob(result);
        return done.status === "done" && done.job.attempt !== no ? "late" : "taken";
      } catch {
        return "refused";
      }
    }
  }
  return "taken";
}
