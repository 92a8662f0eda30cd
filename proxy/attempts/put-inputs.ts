/** Brings the bytes that a pod lacks to it, straight from the blob store. */
import { inputPath } from "../../contracts/agent/routes.ts";
import type { AttemptInput } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { PodId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { BlobStore } from "../assets/port.ts";
import { errorOfResponse, toAgentError } from "../pods/agent-error.ts";
import type { Clock } from "../time/clock.ts";
import type { AgentRequest, Agents } from "../pods/port.ts";
import { createWatchdog } from "./watchdog.ts";

export interface PutInputsOptions {
  agents: Agents;
  blobs: BlobStore;
  clock: Clock;
  /** How long a transfer may make no progress. */
  stallMs: number;
}

async function putInput(
  options: PutInputsOptions,
  target: { podId: PodId; tenantId: TenantId; input: AttemptInput },
  signal: AbortSignal,
): Promise<void> {
  const { podId, tenantId, input } = target;
  const blob = await options.blobs.open(tenantId, input.sha256);
  if (!blob) {
    throw new FleetError("missing_asset", `Cannot run workflow: the bytes of asset ${input.assetId} are gone`, {
      hint: "Upload the file again and submit the workflow with the new asset.",
    });
  }
  const watchdog = createWatchdog(options.clock, { stallMs: options.stallMs, signal });
  const init: AgentRequest = {
    method: "PUT",
    body: blob.body.pipeThrough(watchdog.tap()),
    headers: { "content-type": "application/octet-stream", "content-length": String(blob.sizeBytes) },
    duplex: "half",
    signal: watchdog.signal,
  };
  try {
    const response = await options.agents.fetch(podId, inputPath(input.sha256), init);
    if (!response.ok) throw await errorOfResponse(response);
    await response.body?.cancel();
  } catch (error) {
    signal.throwIfAborted();
    throw toAgentError(watchdog.signal.aborted ? watchdog.signal.reason : error);
  } finally {
    watchdog.end();
  }
}

/**
 * One after the other: they share one link, and the first failure spares the rest.
 * @throws FleetError `missing_asset` when the bytes are gone, or for a hash nobody named; else the agent's failure.
 */
export async function putInputs(
  options: PutInputsOptions,
  target: { podId: PodId; tenantId: TenantId; inputs: readonly AttemptInput[]; hashes: readonly Sha256[] },
  signal: AbortSignal,
): Promise<void> {
  for (const hash of new Set(target.hashes)) {
    const input = target.inputs.find((candidate) => candidate.sha256 === hash);
    if (!input) {
      throw new FleetError("agent_incompatible", "Cannot start the attempt: the agent asks for bytes it was not named");
    }
    await putInput(options, { podId: target.podId, tenantId: target.tenantId, input }, signal);
  }
}
