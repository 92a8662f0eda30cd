/** Assets in graphs: v2 names them by UUID, or by the path they were uploaded to; we by our ids. */
import { FleetError } from "../../../contracts/errors.ts";
import { type AssetId, typeidOf } from "../../../contracts/ids.ts";
import { NodeErrors } from "../../../contracts/node-errors.ts";
import { shorten } from "../../../contracts/shorten.ts";
import {
  type AssetReference,
  isAssetReference,
  isRecord,
  type JsonValue,
  mapInputs,
  type Workflow,
} from "../../../contracts/workflow.ts";
import type { FileInputs } from "../../jobs/file-inputs.ts";
import { inUuids } from "./uuids.ts";

export interface AssetPlaces {
  fileInputs: FileInputs;
  /** The last asset that was put at each path of the caller's tenant. */
  findByPaths(filePaths: readonly string[]): Promise<ReadonlyMap<string, AssetId>>;
}

/** More are not looked for: each is a row of a query. */
const MAX_PATHS = 1_000;
/** Every file that ComfyUI loads has an ending; prompts and prefixes rarely look like it. */
const FILE_NAME = /^[^\n]{1,1019}\.\w{1,8}$/;

function reference(id: string): JsonValue {
  return { __type: "core/ASSET", info: { id } };
}

/** A value that is meant for a reference; hints beside the id are allowed and say nothing. */
function meansReference(value: JsonValue): boolean {
  return isRecord(value) && value.__type === "core/ASSET";
}

function someInput(workflow: Workflow, matches: (value: JsonValue) => boolean): boolean {
  return Object.values(workflow).some(({ inputs }) => Object.values(inputs).some(matches));
}

/** @throws FleetError `missing_asset` for a reference without a UUID */
function withOurIds(workflow: Workflow): Workflow {
  if (!someInput(workflow, meansReference)) return workflow;
  const nodeErrors = new NodeErrors();
  for (const [nodeId, { inputs }] of Object.entries(workflow)) {
    for (const [field, value] of Object.entries(inputs)) {
      if (meansReference(value) && ourId(value) === null) {
        nodeErrors.add(nodeId, { field: shorten(field), reason: "It is an asset reference without the asset's UUID" });
      }
    }
  }
  if (!nodeErrors.isEmpty) {
    throw new FleetError("missing_asset", "Cannot run workflow: an asset reference has no UUID in info.id", {
      hint: "Take the id from the answer to the upload.",
      details: { nodeErrors: nodeErrors.toRecord() },
    });
  }
  return mapInputs(workflow, (value) => {
    const id = ourId(value);
    return id === null ? value : reference(id);
  });
}

function ourId(value: JsonValue): AssetId | null {
  return isAssetReference(value) ? typeidOf("asset", (value as AssetReference).info.id) : null;
}

/** Files that are named by the path of one of the tenant's assets. */
async function withNamedAssets(workflow: Workflow, { fileInputs, findByPaths }: AssetPlaces): Promise<Workflow> {
  const looksLikeFile = (value: JsonValue) => typeof value === "string" && FILE_NAME.test(value);
  if (!someInput(workflow, looksLikeFile)) return workflow;
  const readsFile = await fileInputs.reader();
  const paths = new Set<string>();
  for (const { class_type, inputs } of Object.values(workflow)) {
    for (const [input, value] of Object.entries(inputs)) {
      if (typeof value === "string" && looksLikeFile(value) && readsFile(class_type, input)) paths.add(value);
    }
  }
  if (paths.size === 0) return workflow;
  const found = await findByPaths([...paths].slice(0, MAX_PATHS));
  if (found.size === 0) return workflow;
  return mapInputs(workflow, (value, input, { class_type }) => {
    const id = typeof value === "string" && readsFile(class_type, input) ? found.get(value) : undefined;
    return id === undefined ? value : reference(id);
  });
}

/** @throws FleetError `missing_asset` */
export async function withOurAssets(workflow: Workflow, places: AssetPlaces): Promise<Workflow> {
  return await withNamedAssets(withOurIds(workflow), places);
}

/** The same graph as v2 would take it again. */
export function withV2Assets(workflow: Workflow): Workflow {
  return mapInputs(workflow, (value) => isAssetReference(value) ? reference(inUuids(value.info.id)) : value);
}
