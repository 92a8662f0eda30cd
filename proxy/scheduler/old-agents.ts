/** Jobs with a partner key go only to pods whose agents take one. Pure. */
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { Waiting } from "../../contracts/job.ts";
import { type LivePod, takesPartnerKeys } from "../pods/port.ts";
import type { QueuedJob } from "../store/job-store.ts";
import type { Avoided } from "./avoidance.ts";
import type { Plan } from "./policy.ts";
import type { Decision } from "./read-queue.ts";

type AvoidedOf = (jobId: JobId) => Avoided | undefined;

const NO_BODIES: ReadonlySet<string> = new Set();

function oldPods(pods: readonly Pick<LivePod, "id" | "protocol">[]): ReadonlySet<PodId> {
  return new Set(pods.filter((pod) => !takesPartnerKeys(pod)).map(({ id }) => id));
}

/** `avoided`, and for jobs of the queue with a key every pod with an older agent. */
export function avoidingOldAgents(
  pods: readonly Pick<LivePod, "id" | "protocol">[],
  queue: readonly QueuedJob[],
  avoided: AvoidedOf,
): AvoidedOf {
  const old = oldPods(pods);
  if (old.size === 0) return avoided;
  const withKey = new Set<JobId>(queue.filter((job) => job.hasPartnerKey).map(({ id }) => id));
  if (withKey.size === 0) return avoided;
  return (jobId) => {
    const own = avoided(jobId);
    if (!withKey.has(jobId)) return own;
    return { bodies: own?.bodies ?? NO_BODIES, pods: own === undefined ? old : old.union(own.pods) };
  };
}

function becauseOld(said: Waiting, old: number): Waiting {
  if (old === 0 || said.reason !== "pods_not_ready") return said;
  const why = old === 1 ? "1 pod runs an agent" : `${old} pods run agents`;
  return { ...said, message: `${said.message} It has a partner key, and ${why} too old to take one.` };
}

/** The plan, which says of jobs that wait for a newer agent that they do, of those it has not looked at too. */
export function explainOldAgents(
  pods: readonly Pick<LivePod, "id" | "protocol">[],
  queue: readonly QueuedJob[],
  plan: Plan,
): Omit<Decision, "idle"> {
  const old = oldPods(pods);
  for (const { id, hasPartnerKey } of queue) {
    const said = plan.waiting.get(id);
    if (said && hasPartnerKey) plan.waiting.set(id, becauseOld(said, old.size));
  }
  return {
    ...plan,
    explain: ({ placementKey, hasPartnerKey }) =>
      hasPartnerKey && old.size > 0
        ? becauseOld(plan.explain(placementKey, { bodies: NO_BODIES, pods: old }), old.size)
        : plan.explain(placementKey),
  };
}
