/**
 * What a graph needs of a pod: its classes, and the names that only some pods offer (model files above all). Jobs with
 * equal needs can run on the same pods, which is what a `placementKey` says.
 */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { FleetError } from "../../contracts/errors.ts";
import { shorten } from "../../contracts/shorten.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { Needs } from "../store/new-job.ts";
import { comparable } from "./input-info.ts";
import { looksLikeModelFile } from "./model-file.ts";
import type { ObjectInfo } from "./object-info.ts";
import { readsFile } from "./checks/upload.ts";

type ModelNeed = Needs["models"][number];

/** More model files than any pod is given for one graph. */
const MAX_MODELS = 1_000;
/** No file system has longer names, and few people longer paths. Class types and input names are held to it already. */
const MAX_NAME_CHARS = 300;

/** Of one value of one input, whether a pod must list it. */
function isNeeded(need: ModelNeed, bodies: readonly ObjectInfo[]): boolean {
  const having = bodies.flatMap((body) => body.get(need.classType) ?? []);
  // What may be free text is not taken for a name when it is too long for one.
  if (having.length === 0) return need.name.length <= MAX_NAME_CHARS && looksLikeModelFile(need.name);
  const lists = having.map((info) => info.choices.get(need.input) ?? []).filter((choices) => choices.length > 0);
  if (lists.length === 0) return false;
  if (looksLikeModelFile(need.name)) return true;
  const value = comparable(need.name);
  const listed = lists.filter((choices) => choices.some((list) => list.values.has(value)));
  // A choice that some pods offer and others do not, such as a sampler of a newer ComfyUI.
  return listed.length < lists.length || listed.some((choices) => choices.some((list) => list.allModels));
}

function sortKey({ classType, input, name }: ModelNeed): string {
  return JSON.stringify([classType, input, name]);
}

function longName({ classType, input, name }: ModelNeed): FleetError {
  const state = `${classType}.${input} names a model by more than ${MAX_NAME_CHARS} characters`;
  return new FleetError("invalid_workflow", `Cannot run workflow: ${state}`, {
    hint: `Give the name of a file instead of '${shorten(name)}'.`,
  });
}

function manyModels(): FleetError {
  return new FleetError("invalid_workflow", `Cannot run workflow: it names more than ${MAX_MODELS} models`, {
    hint: "Split the workflow into jobs that load fewer models.",
  });
}

/**
 * Without any body, a value is taken for a model by its extension; a pod where that input is free text ignores it.
 * @param refusedBy sorted hashes of the bodies that refuse the graph
 * @throws FleetError `invalid_workflow` for more than 1,000 distinct models, or a name of more than 300 characters
 */
export function deriveNeeds(
  workflow: Workflow,
  bodies: readonly ObjectInfo[],
  refusedBy: readonly string[] = [],
): Needs {
  const models = new Map<string, ModelNeed>();
  for (const { class_type: classType, inputs } of Object.values(workflow)) {
    for (const [input, name] of Object.entries(inputs)) {
      if (typeof name !== "string" || readsFile(classType, input)) continue;
      const need = { classType, input, name };
      if (!isNeeded(need, bodies)) continue;
      if (name.length > MAX_NAME_CHARS) throw longName(need);
      models.set(sortKey(need), need);
      if (models.size > MAX_MODELS) throw manyModels();
    }
  }
  return {
    classes: [...new Set(Object.values(workflow).map((node) => node.class_type))].toSorted(),
    models: [...models].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, need]) => need),
    // Absent when empty: graphs that differ only in accepted values share a key.
    ...(refusedBy.length > 0 ? { refusedBy: [...refusedBy] } : {}),
  };
}

/** sha256 over RFC 8785 JSON of the needs, in hex. */
export function placementKeyOf(needs: Needs): string {
  return hash("sha256", canonicalize(needs) ?? "", "hex");
}
