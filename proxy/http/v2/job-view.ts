/** A job as the Comfy API v2 shows it: the same state, under its names. */
import type { Output } from "../../../contracts/asset.ts";
import { V2_ROUTES } from "../../../contracts/edge/routes.ts";
import { uuidOf } from "../../../contracts/ids.ts";
import type { Job, JobError } from "../../../contracts/job.ts";
import type { Progress } from "../../../contracts/progress.ts";
import { inUuids } from "./uuids.ts";
import type { ContentLinks } from "./links.ts";

export interface JobViewContext {
  links: ContentLinks;
  /** Jobs before it; looked at for a queued job only. */
  queuePosition: number | null;
}

/** A complete snapshot; `message` is for people. */
export function progressView(progress: Progress) {
  const { currentNode, currentNodeClass, step, steps } = progress;
  const name = currentNodeClass ?? currentNode;
  const message = name === null ? null : step === null || steps === null ? name : `${name} ${step}/${steps}`;
  return {
    value: progress.value,
    nodes_done: progress.nodesDone,
    nodes_total: progress.nodesTotal,
    current_node: currentNode,
    current_node_class: currentNodeClass,
    step,
    steps,
    message,
  };
}

/** `hash` is null: nobody has asked for the BLAKE3 of what a pod made. */
export function outputView(output: Output, links: ContentLinks) {
  return {
    node_id: output.nodeId,
    name: output.name,
    type: output.type,
    content_type: output.contentType,
    size_bytes: output.sizeBytes,
    id: uuidOf(output.assetId),
    hash: null,
    ...links(output.assetId),
    job_id: uuidOf(output.jobId),
    temporary: output.temporary,
  };
}

/** ComfyUI's traceback stays on the pod, since it names its files. */
export function errorView(error: JobError) {
  const sentence = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  return {
    code: error.code,
    message: inUuids(error.hint ? `${sentence} ${error.hint}` : error.message),
    node_id: error.nodeId ?? null,
    class_type: error.classType ?? null,
    traceback: null,
    exception_type: error.exceptionType ?? null,
    node_errors: error.nodeErrors ?? null,
  };
}

function msBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from));
}

/** `queue_ms` ends with the start, or with the end of a job that never started; `execution_ms` is that of ComfyUI. */
function metricsOf({ createdAt, startedAt, completedAt, receipt }: Job) {
  const executionMs = receipt?.timing.executeMs ?? msBetween(startedAt, completedAt);
  return {
    queue_ms: msBetween(createdAt, startedAt ?? completedAt),
    execution_ms: executionMs === null ? null : Math.round(executionMs),
  };
}

/** Jobs of the queue before it, never null while it is queued and always null afterwards: one look at the state decides. */
export function queuePositionView({ state }: Pick<Job, "state">, queuePosition: number | null): number | null {
  return state === "queued" ? queuePosition ?? 0 : null;
}

export function jobView(job: Job, { links, queuePosition }: JobViewContext) {
  const self = `${V2_ROUTES.jobs}/${uuidOf(job.id)}`;
  return {
    id: uuidOf(job.id),
    status: job.state,
    created_at: job.createdAt,
    started_at: job.startedAt,
    completed_at: job.completedAt,
    expires_at: job.expiresAt,
    queue_position: queuePositionView(job, queuePosition),
    progress: job.progress === null ? null : progressView(job.progress),
    outputs: job.outputs.map((output) => outputView(output, links)),
    error: job.error === null ? null : errorView(job.error),
    metrics: metricsOf(job),
    metadata: job.metadata,
    urls: { self, events: `${self}/events`, cancel: `${self}/cancel` },
  };
}

/** A line of the list: no outputs, no links to bytes. */
export function jobSummaryView(job: Job) {
  return {
    id: uuidOf(job.id),
    status: job.state,
    create_time: job.createdAt,
    update_time: job.completedAt ?? job.startedAt ?? job.createdAt,
    started_at: job.startedAt,
    completed_at: job.completedAt,
    expires_at: job.expiresAt,
    metadata: job.metadata,
    urls: { self: `${V2_ROUTES.jobs}/${uuidOf(job.id)}` },
  };
}
