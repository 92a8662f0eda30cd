/**
 * `services.plan`: what the scheduler would do with one input now. The same pure policy as the planner's, over the same
 * queue with the input behind it; nothing is stored and no slot is taken.
 */
import type { JobId } from "../../contracts/ids.ts";
import { firstFew } from "../../contracts/shorten.ts";
import { compileService, withSeed } from "../../contracts/services/compile.ts";
import { type ServiceId, SERVICES } from "../../contracts/services/registry.ts";
import type { PlannedPod, PlanService, ServicePlan } from "../../contracts/services/views.ts";
import { judgeSpec } from "../jobs/judge-spec.ts";
import { placementKeyOf } from "../jobs/needs.ts";
import type { ObjectInfoCache } from "../jobs/object-info-cache.ts";
import type { LivePod, PodSessions } from "../pods/port.ts";
import { createCapabilities, isCapable, type Lacking } from "../scheduler/capability.ts";
import { plan } from "../scheduler/policy.ts";
import type { JobStore, QueuedJob } from "../store/job-store.ts";

export interface ServicePlanOptions {
  store: Pick<JobStore, "listQueue" | "getNeeds">;
  sessions: Pick<PodSessions, "live">;
  objectInfo: Pick<ObjectInfoCache, "get" | "known">;
}

/** As many queued jobs as the planner looks at first. */
const MAX_QUEUE = 1_000;
const MAX_PODS = 1_000;
/** No job ever gets this id: it is the last one of all times. */
const PROBE: JobId = "job_7zzzzzzzzzzzzzzzzzzzzzzzzz";

function probeOf(placementKey: string, { priority }: PlanService): QueuedJob {
  const createdAtMs = Number.MAX_SAFE_INTEGER;
  // The policy does not look at tenants.
  return {
    id: PROBE,
    tenantId: "tenant_7zzzzzzzzzzzzzzzzzzzzzzzzz",
    ver: 0,
    priority,
    placementKey,
    createdAtMs,
    losses: 0,
    hasPartnerKey: false,
  };
}

/** A word for each pod, in the order in which what it lacks weighs. */
function refusalOf(pod: LivePod, lacking: Lacking | null): string | null {
  if (lacking === null) return "It has not told yet what it can run.";
  if (lacking.classes.length > 0) return `It lacks the node classes ${firstFew(lacking.classes)}.`;
  if (lacking.refused) return "Its ComfyUI refuses the service's graph.";
  if (lacking.models.length > 0) return `It lacks the models ${firstFew(lacking.models.map(({ name }) => name))}.`;
  if (!pod.accepting) return "It takes no work now: it does not answer, or is draining.";
  return pod.freeSlots === 0 ? "It can run it, but has no free slot." : null;
}

function missingOf(service: ServiceId, lacking: Lacking | null): PlannedPod["missing"] {
  const names = [...new Set(lacking?.models.map(({ name }) => name))];
  const models = names.map((name) => {
    const model = SERVICES[service].models.find((known) => known.name === name);
    return { name, folder: model?.folder ?? null, sizeBytes: model?.sizeBytes ?? null };
  });
  return { classes: [...lacking?.classes ?? []], models };
}

export function createServicePlan(
  { store, sessions, objectInfo }: ServicePlanOptions,
): (request: PlanService) => Promise<ServicePlan> {
  const capabilities = createCapabilities({ objectInfo });

  return async (request) => {
    const spec = withSeed(request.spec, () => 0);
    const { needs } = judgeSpec(spec, await objectInfo.known());
    const key = placementKeyOf(needs);
    const queue = await store.listQueue(MAX_QUEUE);
    const queued = await store.getNeeds([...new Set(queue.map(({ placementKey }) => placementKey))]);
    const hashes = new Set(sessions.live().flatMap((pod) => pod.objectInfoSha256 ?? []));
    await capabilities.prepare(new Map([...queued, [key, needs]]), hashes);
    // A place behind a run is no answer: the job would still wait.
    const pods = sessions.live().map((pod) => ({ ...pod, mayFollow: [] }));
    const decided = plan({ pods, queue: [...queue, probeOf(key, request)], lacking: capabilities.lookup });
    const chosen = decided.assignments.find(({ jobId }) => jobId === PROBE)?.podId ?? null;

    function planned(pod: LivePod): PlannedPod {
      const { id, name, objectInfoSha256 } = pod;
      const lacking = objectInfoSha256 === null ? null : capabilities.lookup(key, objectInfoSha256);
      const missing = missingOf(spec.service, lacking !== null && !isCapable(lacking) ? lacking : null);
      if (id === chosen) return { id, name, verdict: "chosen", reason: "It would take the job now.", missing };
      const reason = refusalOf(pod, lacking);
      if (reason !== null) return { id, name, verdict: "refused", reason, missing };
      const others = chosen === null ? "Its free slots go to jobs that are before it." : "It could take the job too.";
      return { id, name, verdict: "possible", reason: others, missing };
    }

    const shown = pods.slice(0, MAX_PODS).map(planned);
    const pod = shown.find(({ verdict }) => verdict === "chosen");
    return {
      service: spec.service,
      version: spec.version,
      variant: compileService(spec).variant,
      pod: pod ? { id: pod.id, name: pod.name } : null,
      waiting: decided.waiting.get(PROBE) ?? null,
      queued: queue.length,
      pods: shown,
      // Nothing is measured yet.
      eta: { p50Ms: null, p90Ms: null },
    };
  };
}
