/** The graph as ComfyUI gets it: outputs in a folder of the attempt's own, asset references as staged files. */
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import { isAssetReference, mapInputs, type Workflow } from "../../contracts/workflow.ts";
import { pathEscapes } from "../../contracts/workflow-value.ts";

const PREFIX_INPUT = "filename_prefix";

/** No input of any node: ComfyUI ignores it, except that it is part of the key under which a node's outputs are cached. */
const ATTEMPT_INPUT = "comfyfleet_attempt";

/**
 * @param stagedNames Name of each asset's file below ComfyUI's input folder.
 * @throws FleetError `invalid_workflow` for a prefix that leaves its folder, `missing_asset` for an asset without a file.
 */
export function rewriteWorkflow(
  workflow: Workflow,
  options: { attemptId: AttemptId; stagedNames: ReadonlyMap<string, string> },
): Workflow {
  const rewritten = mapInputs(workflow, (value, input) => {
    if (isAssetReference(value)) {
      const name = options.stagedNames.get(value.info.id);
      if (name === undefined) throw missingAsset(value.info.id);
      return name;
    }
    if (input !== PREFIX_INPUT || typeof value !== "string") return value;
    if (pathEscapes(value)) {
      throw new FleetError("invalid_workflow", "Cannot run workflow: a filename_prefix leaves its folder", {
        hint: "Use a relative path without '..'.",
      });
    }
    // Without a folder of its own per attempt, a cached Save node would point at an older run's files.
    return `${options.attemptId}/${value}`;
  });
  return markLinkedSavers(rewritten, options.attemptId);
}

/** A prefix that another node computes cannot get a folder, but must not lead to an older run's files either. */
function markLinkedSavers(workflow: Workflow, attemptId: AttemptId): Workflow {
  return Object.fromEntries(
    Object.entries(workflow).map(([id, node]) =>
      Array.isArray(node.inputs[PREFIX_INPUT])
        ? [id, { ...node, inputs: { ...node.inputs, [ATTEMPT_INPUT]: attemptId } }]
        : [id, node]
    ),
  );
}

export function missingAsset(assetId: string): FleetError {
  return new FleetError("missing_asset", `Cannot run workflow: it names the asset '${assetId}', which is no input`, {
    hint: "Name every asset of the graph in the order's inputs.",
  });
}

/** Whether the node's only reason to run again is the folder or the mark we gave it. */
export function isRewrittenSaver(workflow: Workflow, nodeId: string): boolean {
  const prefix = workflow[nodeId]?.inputs[PREFIX_INPUT];
  return typeof prefix === "string" || Array.isArray(prefix);
}
