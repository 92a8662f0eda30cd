/**
 * Whether a graph that one pod refuses is refused by all: only then its job fails. Bodies change after submit, when a
 * pod gets a new model file or another ComfyUI, and that must not end a job which the next pod would run.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import { judgeGraph } from "../jobs/judge-graph.ts";
import type { KnownBody, ObjectInfoCache } from "../jobs/object-info-cache.ts";
import type { LivePod } from "../pods/port.ts";
import type { PodStore } from "../store/pod-store.ts";

export interface FleetBodies {
  store: Pick<PodStore, "listPodBodies">;
  objectInfo: Pick<ObjectInfoCache, "get">;
  /** Pods whose session this edge holds: what they say is newer than what the store has. */
  livePods: () => readonly LivePod[];
}

/** Null while some pod has not told its body, or nobody can read it: that one may accept the graph. */
async function bodiesOfFleet(
  { store, objectInfo, livePods }: FleetBodies,
  asked: LivePod,
): Promise<KnownBody[] | null> {
  const hashes = new Map<PodId, string | null>();
  for (const { podId, objectInfoSha256 } of await store.listPodBodies()) hashes.set(podId, objectInfoSha256);
  for (const { id, accepting, objectInfoSha256 } of [...livePods(), asked]) {
    if (accepting || hashes.has(id)) hashes.set(id, objectInfoSha256);
  }
  const bodies: KnownBody[] = [];
  for (const sha256 of [...new Set(hashes.values())].toSorted((a, b) => ((a ?? "") < (b ?? "") ? -1 : 1))) {
    const info = sha256 === null ? null : await objectInfo.get(sha256);
    if (sha256 === null || info === null) return null;
    bodies.push({ sha256, info });
  }
  return bodies;
}

/**
 * Why no pod of the fleet would run the graph, as submit would say it; null when one would, or may.
 * @param asked the pod that has just refused it
 */
export async function refusalOfFleet(
  fleet: FleetBodies,
  workflow: Workflow,
  asked: LivePod,
): Promise<FleetError | null> {
  const bodies = await bodiesOfFleet(fleet, asked);
  if (bodies === null) return null;
  try {
    judgeGraph(workflow, bodies);
    return null;
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
}
