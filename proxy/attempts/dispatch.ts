/** The dispatcher: one decision of the planner → an attempt on a pod, or the job back in the queue. */
import { typeid } from "typeid-js";
import type { StartAttempt } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import type { JobSpec } from "../../contracts/job.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { BlobStore } from "../assets/port.ts";
import { errorWithoutKey, type PartnerKeys } from "../jobs/partner-keys.ts";
import type { DispatchEnd, Dispatcher, Settlement } from "../jobs/port.ts";
import type { Offer, Offers } from "../pods/offers.ts";
import { type Agents, type LivePod, takesPartnerKeys } from "../pods/port.ts";
import type { AssetStore } from "../store/asset-store.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { NewJob } from "../store/new-job.ts";
import type { Logger } from "../telemetry/logger.ts";
import { beginDispatch, type DispatchSpanDeps, unitOf } from "./dispatch-span.ts";
import { compileAttempt, type CompiledAttempt } from "./compile.ts";
import { type FleetBodies, refusalOfFleet } from "./fleet-refusal.ts";
import { requeue, type RequeueOptions } from "./requeue.ts";
import { startOnAgent } from "./start.ts";
import { toJobError } from "./start-verdict.ts";

export interface DispatchDeps extends RequeueOptions, FleetBodies, DispatchSpanDeps {
  store: JobStore & Pick<AssetStore, "getAssets"> & FleetBodies["store"];
  agents: Agents;
  blobs: BlobStore;
  offers: Offers;
  settlement: Settlement;
  partnerKeys: PartnerKeys;
  /** Called for a pod that may be gone, so that its session looks at once. */
  nudge: (podId: PodId) => void;
  logger: Logger;
}

type Decision = Parameters<Dispatcher["dispatch"]>[0];

/** An attempt that the store has assigned. */
interface Assigned {
  job: JobRow;
  no: number;
  attemptId: AttemptId;
  pod: LivePod;
  compiled: CompiledAttempt;
  partnerKey: string | null;
  /** Why it is not to be started anywhere, though it is assigned: the failure belongs to an attempt. */
  refusal: FleetError | null;
  /** Whose slot it is to have next; null: a free one. */
  after: AttemptId | null;
  offer: Offer;
}

const NO_KEY = { partnerKey: null, refusal: null };

function orderOf({ job, no, attemptId, pod, compiled, partnerKey, after }: Assigned): StartAttempt {
  return {
    podId: pod.id,
    epoch: pod.epoch,
    attemptId,
    jobId: job.id,
    no,
    workflow: compiled.workflow,
    inputs: compiled.inputs,
    after,
    runWithinMs: job.runWithinMs,
    previews: true,
    ...(partnerKey === null ? {} : { partnerKey }),
  };
}

export function createDispatcher(deps: DispatchDeps): Dispatcher {
  const { store, agents, blobs, objectInfo, offers, settlement, partnerKeys, signals, clock, timings, signal } = deps;
  const logger = deps.logger.child("attempts");

  /**
   * The job stays queued: `given_back` when the agent is too old, `unmoved` when somebody was first, or nobody can say what
   * the pod would make of the graph.
   */
  async function assign(
    { jobId, ver, pod }: Decision,
    attemptId: AttemptId,
  ): Promise<Omit<Assigned, "after" | "offer"> | "given_back" | "refused" | "unmoved"> {
    const { objectInfoSha256 } = pod;
    const [job, spec, info] = await Promise.all([
      store.getJob(jobId),
      store.getSpec(jobId),
      objectInfoSha256 === null ? null : objectInfo.get(objectInfoSha256),
    ]);
    if (!job || !spec || job.state !== "queued" || job.ver !== ver) return "unmoved";
    // The planner has seen to it; the pod may have got another agent since.
    if (job.hasPartnerKey && !takesPartnerKeys(pod)) return "given_back";
    if (!info) {
      const facts = { ...unitOf(job), pod: pod.id, objectInfoSha256 };
      logger.warn("job kept back: the pod's object_info cannot be read", facts);
      return "unmoved";
    }
    const compiled = await compileAttempt(store, { tenantId: job.tenantId, spec }, info);
    const { graphSha256, refusal: here } = compiled;
    const refusal = here?.code === "invalid_workflow" ? await fleetRefusal(spec, compiled.workflow, pod) : here;
    if (here && !refusal) {
      logger.info("job kept from a pod that refuses it", { ...unitOf(job), pod: pod.id, reason: here.message });
      return "refused";
    }
    const key = await keyOf(job);
    const { id: podId, bootId } = pod;
    const assigned = await store.assignJob({ jobId, ver, attemptId, podId, bootId, graphSha256 });
    if (assigned.status !== "done") return "unmoved";
    return { job, no: assigned.no, attemptId, pod, compiled, ...key, refusal: refusal ?? key.refusal };
  }

  /** `refusal`: it cannot be opened, which is so for every pod. */
  async function keyOf(job: JobRow): Promise<Pick<Assigned, "partnerKey" | "refusal">> {
    if (!job.hasPartnerKey) return NO_KEY;
    try {
      return { partnerKey: await partnerKeys.of(job), refusal: null };
    } catch (error) {
      if (FleetError.is(error)) return { partnerKey: null, refusal: error };
      throw error;
    }
  }

  /** Null where there is more to say about it than that the pod takes it. */
  async function compileAtOnce(
    job: Pick<NewJob, "id" | "tenantId" | "spec">,
    { id: podId, objectInfoSha256 }: LivePod,
  ): Promise<CompiledAttempt | null> {
    try {
      const info = objectInfoSha256 === null ? null : await objectInfo.get(objectInfoSha256);
      const compiled = info && await compileAttempt(store, job, info);
      return compiled?.refusal === null ? compiled : null;
    } catch (error) {
      logger.warn("job not prepared", { job: job.id, pod: podId, error });
      return null;
    }
  }

  /** A service's graph is ours: what no pod accepts is no fault of the caller's, so the job waits for one that does. */
  async function fleetRefusal(spec: JobSpec, workflow: Workflow, pod: LivePod): Promise<FleetError | null> {
    return spec.kind === "service" ? null : await refusalOfFleet(deps, workflow, pod);
  }

  async function fail({ job, no }: Assigned, error: FleetError): Promise<void> {
    const moved = await store.failJob({ jobId: job.id, no, error: toJobError(error), receipt: null });
    if (moved.status === "done") signals.emit("job", moved.job);
  }

  async function begin({ job, no, attemptId, pod }: Assigned): Promise<void> {
    const moved = await store.startJob({ jobId: job.id, no });
    if (moved.status === "done") settlement.begun({ id: attemptId, podId: pod.id, jobId: job.id, no });
    // Also when nothing moved: a cancel in the meantime waits for this signal to reach the agent.
    if (moved.job !== null) signals.emit("job", moved.job);
  }

  /** It stays assigned, which shows as queued, until the agent says that it runs. */
  async function sentAhead({ job }: Assigned): Promise<void> {
    const now = await store.getJob(job.id);
    if (now?.state === "canceling") signals.emit("job", now);
  }

  async function start(assigned: Assigned): Promise<DispatchEnd> {
    const { job, no, attemptId, pod, refusal, offer } = assigned;
    const span = beginDispatch(deps, { job, attemptId, no, pod });
    const facts = { ...unitOf(job), attempt: attemptId, no, pod: pod.id };
    if (refusal) {
      await fail(assigned, refusal);
      logger.info("attempt refused", { ...facts, code: refusal.code, reason: refusal.message });
      return "ended";
    }
    const options = { agents, blobs, clock, timings, stallMs: timings.stallMs };
    const order = { attempt: orderOf(assigned), tenantId: job.tenantId, trace: span.context };
    const outcome = await startOnAgent(options, order, signal);
    span.end(outcome.status === "accepted" ? null : outcome.error.code);
    if (outcome.status === "accepted") {
      offer.accepted();
      await (assigned.after === null ? begin(assigned) : sentAhead(assigned));
      logger.debug("attempt started", { ...facts, after: assigned.after });
      if (outcome.report) void settlement.settle(pod.id, outcome.report);
      return "started";
    }
    const error = errorWithoutKey(outcome.error, assigned.partnerKey);
    logger.info("attempt not started", { ...facts, outcome: outcome.status, code: error.code, reason: error.message });
    if (error.code === "agent_unreachable" || error.code === "timeout") deps.nudge(pod.id);
    switch (outcome.status) {
      case "fail":
        await fail(assigned, error);
        return "ended";
      case "give_back":
        await requeue(deps, { jobId: job.id, no }, { reason: error.code, countLoss: false });
        return "given_back";
      case "count_loss":
        await requeue(deps, { jobId: job.id, no }, { reason: error.code, countLoss: true });
        return "not_taken";
      case "unknown":
        return "ended";
    }
  }

  /** Never rejects. The store holds an attempt as offered; the pod's session finds out what became of it. */
  async function underOffer(
    { offer, ...facts }: { offer: Offer } & Record<"job" | "attempt" | "pod", string>,
    work: () => Promise<DispatchEnd>,
  ): Promise<DispatchEnd> {
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) logger.error("dispatch failed", { ...facts, error });
      return "unmoved";
    } finally {
      offer.end();
    }
  }

  return {
    async dispatch(decision) {
      const { jobId, pod, after } = decision;
      const attemptId: AttemptId = typeid("att").toString();
      const offer = offers.begin({ podId: pod.id, attemptId, jobId, after });
      return await underOffer({ offer, job: jobId, attempt: attemptId, pod: pod.id }, async () => {
        const assigned = await assign(decision, attemptId);
        return typeof assigned === "string" ? assigned : await start({ ...assigned, after, offer });
      });
    },
    async prepare(job, pod) {
      const attemptId: AttemptId = typeid("att").toString();
      const compiled = await compileAtOnce(job, pod);
      if (compiled === null) return null;
      const { id: podId, bootId } = pod;
      const offer = offers.begin({ podId, attemptId, jobId: job.id, after: null });
      const facts = { offer, job: job.id, attempt: attemptId, pod: podId };
      const plain = { ...NO_KEY, after: null, offer };
      return {
        assignment: { attemptId, podId, bootId, graphSha256: compiled.graphSha256 },
        start: (row) =>
          underOffer(facts, () => start({ job: row, no: row.attempt, attemptId, pod, compiled, ...plain })),
        drop: () => offer.end(),
      };
    },
  };
}
