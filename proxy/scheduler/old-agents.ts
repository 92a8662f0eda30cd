/** Jobs with a partner key go only to pods whose agents take one. Pure. */
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { Waiting } from "../../contracts/job.ts";
import { PARTNER_KEY_PROTOCOL } from "../../contracts/partner-key.ts";
import type { LivePod } from "../pods/port.ts";
import type { QueuedJob } from "../store/job-store.ts";
import type { Avoided } from "./avoidance.ts";

type AvoidedOf = (jobId: JobId) => Avoided | undefined;

const NO_BODIES: ReadonlySet<string> = new Set();

export function takesPartnerKeys({ protocol }: Pick<LivePod, "protocol">): boolean {
  return protocol >= PARTNER_KEY_PROTOCOL;
}

/** `avoided`, and for jobs of the queue with a key every pod with an older agent. */
export function avoidingOldAgents(
  pods: readonly Pick<LivePod, "id" | "protocol">[],
  queue: readonly QueuedJob[],
  avoided: AvoidedOf,
): AvoidedOf {
  const old = new Set<PodId>(pods.filter((pod) => !takesPartnerKeys(pod)).map(({ id }) => id));
  if (old.size === 0) return avoided;
  const withKey = new Set<JobId>(queue.filter((job) => job.hasPartnerKey).map(({ id }) => id));
  if (withKey.size === 0) return avoided;
  return (jobId) => {
    const own = avoided(jobId);
    if (!withKey.has(jobId)) return own;
    return { bodies: own?.bodies ?? NO_BODIES, pods: own === undefined ? old : old.union(own.pods) };
  };
}

/** Says of jobs that wait for a newer agent that they do. */
export function explainOldAgents(
  pods: readonly Pick<LivePod, "id" | "protocol">[],
  queue: readonly QueuedJob[],
  waiting: Map<JobId, Waiting>,
): void {
  const old = pods.filter((pod) => !takesPartnerKeys(pod)).length;
  if (old === 0) return;
  const why = old === 1 ? "1 pod runs an agent" : `${old} pods run agents`;
  for (const { id, hasPartnerKey } of queue) {
    const said = waiting.get(id);
    if (!hasPartnerKey || said?.reason !== "pods_not_ready") continue;
    waiting.set(id, { ...said, message: `${said.message} It has a partner key, and ${why} too old to take one.` });
  }
}
