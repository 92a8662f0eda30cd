/** The identity of a request: what an idempotency key is held against. */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { FleetError } from "../../contracts/errors.ts";
import type { JobId, Sha256 } from "../../contracts/ids.ts";
import type { SubmitJob } from "../../contracts/job.ts";

/**
 * sha256 over RFC 8785 JSON of the parsed request without its idempotency key, before its seed is fixed.
 * @throws FleetError `payload_too_large` for a workflow of more than `maxWorkflowBytes` of such JSON.
 */
export function hashRequest({ spec, options }: SubmitJob, maxWorkflowBytes: number): Sha256 {
  const { idempotencyKey: _, metadata, ...others } = options;
  // None and empty ones are the same request.
  const counted = Object.keys(metadata ?? {}).length === 0 ? others : { ...others, metadata };
  // An input has bounds of its own, all of them far below those of a workflow.
  if (spec.kind === "service") return sha256(canonicalize({ options: counted, spec }) ?? "");
  const workflow = canonicalize(spec.workflow) ?? "";
  const sizeBytes = new TextEncoder().encode(workflow).byteLength;
  if (sizeBytes > maxWorkflowBytes) {
    const state = `it has ${sizeBytes} bytes, at most ${maxWorkflowBytes}`;
    throw new FleetError("payload_too_large", `Cannot accept workflow: ${state}`, {
      hint: "Upload images and other data as assets instead of embedding them in the graph.",
      details: { sizeBytes, maxBytes: maxWorkflowBytes },
    });
  }
  // The canonical form of the whole, put together from its parts in key order: the graph is walked only once.
  const kind = JSON.stringify(spec.kind);
  return sha256(`{"options":${canonicalize(counted)},"spec":{"kind":${kind},"workflow":${workflow}}}`);
}

/** The same of a request to run a job once more. */
export function hashRetry(jobId: JobId): Sha256 {
  return sha256(canonicalize({ retryOf: jobId }) ?? "");
}

function sha256(text: string): Sha256 {
  return hash("sha256", text, "hex");
}
