/** The graph as ComfyUI gets it: outputs in a folder of the attempt's own, asset references as staged files. */
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import { isAssetReference, mapInputs, type Workflow } from "../../contracts/workflow.ts";
import { pathEscapes } from "../../contracts/workflow-value.ts";

const PREFIX_INPUT = "filename_prefix";

/**
 * @param stagedNames Name of each asset's file below ComfyUI's input folder.
 * @throws FleetError `invalid_workflow` for a prefix that leaves its folder, `missing_asset` for an asset without a file.
 */
export function rewriteWorkflow(
  workflow: Workflow,
  options: { attemptId: AttemptId; stagedNames: ReadonlyMap<string, string> },
): Workflow {
  return mapInputs(workflow, (value, input) => {
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
}

export function missingAsset(assetId: string): FleetError {
  return new FleetError("missing_asset", `Cannot run workflow: it names the asset '${assetId}', which is no input`, {
    hint: "Name every asset of the graph in the order's inputs.",
  });
}

/** Whether the node's only reason to run again is the folder we gave it. */
export function isRewrittenSaver(workflow: Workflow, nodeId: string): boolean {
  return typeof workflow[nodeId]?.inputs[PREFIX_INPUT] === "string";
}
