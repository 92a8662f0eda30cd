/** Small outputs along with the job that made them, for whoever has asked for them: saves the way back for each. */
import type { Output } from "../../contracts/asset.ts";
import type { Job } from "../../contracts/job.ts";
import { type Caller, hasScope } from "../../contracts/tenant.ts";
import type { BlobStore } from "../assets/port.ts";

/** Looked at, from the first on: a job may have thousands of tiny ones. */
const MAX_INLINE_OUTPUTS = 8;

/**
 * The job with the bytes of its first outputs, as many as fit into `maxBytes`. Best effort, and only for who may read assets:
 * those of a job that is kept are there.
 */
export async function withInlineOutputs(
  job: Job,
  { caller, blobs, maxBytes }: { caller: Caller; blobs: Pick<BlobStore, "read">; maxBytes: number },
): Promise<Job> {
  if (maxBytes === 0 || job.state !== "succeeded" || !hasScope(caller, "assets:read")) return job;
  let leftBytes = maxBytes;
  const outputs: Output[] = [...job.outputs];
  for (const [index, output] of job.outputs.slice(0, MAX_INLINE_OUTPUTS).entries()) {
    if (output.sizeBytes > leftBytes) continue;
    const bytes = await blobs.read(caller.tenantId, output.sha256).catch(() => null);
    if (bytes?.byteLength !== output.sizeBytes) continue;
    leftBytes -= output.sizeBytes;
    outputs[index] = { ...output, dataBase64: Buffer.from(bytes).toString("base64") };
  }
  return { ...job, outputs };
}
