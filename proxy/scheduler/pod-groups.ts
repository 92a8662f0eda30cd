/** Pods with one `/object_info` can run the same jobs, so the policy looks at bodies, of which a fleet has few. Pure. */
import type { LivePod } from "../pods/port.ts";

/** What the policy looks at of a pod. */
export type PlannedPod = Pick<LivePod, "id" | "name" | "accepting" | "freeSlots" | "objectInfoSha256" | "gpu"> & {
  /** An operator said that it gets no new work. Default: false. */
  cordoned?: boolean;
  /** See {@link LivePod}. Default: none, so that nothing is sent ahead. */
  mayFollow?: LivePod["mayFollow"];
  /** For development only. Default: false. */
  dev?: boolean;
};

/** Whether new work may go there now: `unknown` GPUs keep theirs, or a lost probe would take down a fleet. */
export function takesWork(pod: Pick<PlannedPod, "accepting" | "cordoned" | "dev" | "gpu">): boolean {
  return pod.accepting && !pod.cordoned && !pod.dev && pod.gpu.state !== "unhealthy";
}

export interface PodGroup {
  /** Null for pods that have not told yet. */
  sha256: string | null;
  /** By name, then id. */
  pods: PlannedPod[];
}

/** Text order by code unit, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** By hash, so that the order of `pods` does not matter. Those for development are in none: for jobs they are not there. */
export function groupPods(pods: readonly PlannedPod[]): PodGroup[] {
  const groups = new Map<string | null, PlannedPod[]>();
  for (const pod of pods.filter(({ dev }) => !dev)) {
    const members = groups.get(pod.objectInfoSha256);
    if (members) members.push(pod);
    else groups.set(pod.objectInfoSha256, [pod]);
  }
  return [...groups]
    .map(([sha256, members]) => ({
      sha256,
      pods: members.toSorted((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id)),
    }))
    .toSorted((a, b) => compareText(a.sha256 ?? "", b.sha256 ?? ""));
}
