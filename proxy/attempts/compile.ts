/** Spec → what one pod runs: the graph, the inputs it needs and the hash that says what it is. */
import type { AttemptInput } from "../../contracts/attempt.ts";
import type { Sha256, TenantId } from "../../contracts/ids.ts";
import type { JobSpec } from "../../contracts/job.ts";
import { assetUses, type Workflow } from "../../contracts/workflow.ts";
import type { AssetStore } from "../store/asset-store.ts";
import { graphSha256 } from "./graph-hash.ts";

export interface CompiledAttempt {
  workflow: Workflow;
  inputs: AttemptInput[];
  graphSha256: Sha256;
  /** Asset ids in the graph that the tenant does not have: then it cannot run. */
  missingAssets: string[];
}

/** A workflow is its own graph; a service would be built for the pod here. */
export async function compileAttempt(
  store: Pick<AssetStore, "getAssets">,
  job: { tenantId: TenantId; spec: JobSpec },
): Promise<CompiledAttempt> {
  const { workflow } = job.spec;
  const ids = [...new Set(assetUses(workflow).map((use) => use.assetId))];
  const assets = ids.length === 0 ? [] : await store.getAssets(job.tenantId, ids);
  const hashes = new Map<string, Sha256>(assets.map((asset) => [asset.id, asset.sha256]));
  return {
    workflow,
    inputs: assets.map(({ id, sha256, sizeBytes, fileName }) => ({ assetId: id, sha256, sizeBytes, fileName })),
    graphSha256: graphSha256(workflow, hashes),
    missingAssets: ids.filter((id) => !hashes.has(id)),
  };
}
