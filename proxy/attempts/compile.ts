/** Spec → what one pod runs: the graph, the inputs it needs, the hash that says what it is, and whether it may run there. */
import type { AttemptInput } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { Sha256, TenantId } from "../../contracts/ids.ts";
import type { JobSpec } from "../../contracts/job.ts";
import { assetUses, type Workflow } from "../../contracts/workflow.ts";
import { graphOf } from "../jobs/judge-spec.ts";
import { refusalOf } from "../jobs/judge-graph.ts";
import type { ObjectInfo } from "../jobs/object-info.ts";
import type { AssetStore } from "../store/asset-store.ts";
import { graphSha256 } from "./graph-hash.ts";

export interface CompiledAttempt {
  workflow: Workflow;
  inputs: AttemptInput[];
  graphSha256: Sha256;
  /** Why it must not be started there: `missing_asset`, which is so everywhere, or the body's own `invalid_workflow`. */
  refusal: FleetError | null;
}

function missingAssets(ids: readonly string[]): FleetError {
  return new FleetError("missing_asset", `Cannot run workflow: asset ${ids[0]} does not exist`, {
    hint: "Upload the file and submit the workflow with the new asset.",
    details: { assetIds: ids },
  });
}

/**
 * A workflow is its own graph, that of a service is built here. It is judged by the pod's own body, because
 * the one may be new since the job was submitted, and some inputs are a danger to other tenants on that pod only.
 */
export async function compileAttempt(
  store: Pick<AssetStore, "getAssets">,
  job: { tenantId: TenantId; spec: JobSpec },
  info: ObjectInfo,
): Promise<CompiledAttempt> {
  const workflow = graphOf(job.spec);
  const ids = [...new Set(assetUses(workflow).map((use) => use.assetId))];
  const assets = ids.length === 0 ? [] : await store.getAssets(job.tenantId, ids);
  const hashes = new Map<string, Sha256>(assets.map((asset) => [asset.id, asset.sha256]));
  const missing = ids.filter((id) => !hashes.has(id));
  return {
    workflow,
    inputs: assets.map(({ id, sha256, sizeBytes, fileName }) => ({ assetId: id, sha256, sizeBytes, fileName })),
    graphSha256: graphSha256(workflow, hashes),
    refusal: missing.length > 0 ? missingAssets(missing) : refusalOf(workflow, info),
  };
}
