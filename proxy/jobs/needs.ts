/**
 * What a graph needs of a pod: its classes, and the names that only some pods offer (model files above all). Jobs with
 * equal needs can run on the same pods, which is what a `placementKey` says.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Workflow } from "../../contracts/workflow.ts";
import type { Needs } from "../store/job-store.ts";
import { comparable } from "./input-info.ts";
import { looksLikeModelFile } from "./model-file.ts";
import type { ObjectInfo } from "./object-info.ts";
import { readsFile } from "./checks/upload.ts";

type ModelNeed = Needs["models"][number];

/** Of one value of one input, whether a pod must list it. */
function isNeeded(need: ModelNeed, bodies: readonly ObjectInfo[]): boolean {
  const having = bodies.flatMap((body) => body.get(need.classType) ?? []);
  if (having.length === 0) return looksLikeModelFile(need.name);
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

/**
 * Without any body, a value is taken for a model by its extension; a pod where that input is free text ignores it.
 * @param refusedBy sorted hashes of the bodies that refuse the graph
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
      if (isNeeded(need, bodies)) models.set(sortKey(need), need);
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
  return createHash("sha256").update(canonicalize(needs) ?? "").digest("hex");
}
