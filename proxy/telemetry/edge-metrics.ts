/** What the edge counts. The table in docs/operations.md says the same; a test keeps them equal. */
import { PodPhase } from "../../contracts/pod.ts";
import { createMetrics, type Metrics } from "../../contracts/telemetry/metrics.ts";

/** Seconds, from what an idle edge takes to what a day of waiting does. */
const WAIT_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const RUN_BUCKETS = [0.05, 0.25, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** More pods than one edge has. What is told of one pod is told of those alone that are there now. */
export const MAX_POD_SERIES = 3_000;

/** A pod that is gone is not looked at any more. */
export const SHOWN_PHASES = PodPhase.options.filter((phase) => phase !== "gone");

export const EDGE_METRICS = {
  comfyfleet_jobs_submitted_total: { type: "counter", help: "Jobs accepted, without repeated submits." },
  comfyfleet_jobs_total: {
    type: "counter",
    label: "status",
    known: ["succeeded", "failed", "canceled", "expired"],
    help: "Jobs that have ended, by their final state.",
  },
  comfyfleet_attempts_total: {
    type: "counter",
    label: "outcome",
    known: ["succeeded", "failed", "canceled", "lost", "given_back"],
    help: "Attempts that have ended; given_back: the pod could not take it just then.",
  },
  comfyfleet_lease_expired_total: {
    type: "counter",
    help: "Attempts given up because their pod was silent for POD_LOST_MS.",
  },
  comfyfleet_job_queue_seconds: {
    type: "histogram",
    buckets: WAIT_BUCKETS,
    help: "From the submit to the assignment, of jobs that ended with a receipt.",
  },
  comfyfleet_job_execution_seconds: {
    type: "histogram",
    buckets: RUN_BUCKETS,
    help: "Time in ComfyUI, model loads included, of jobs that ended with a receipt.",
  },
  comfyfleet_job_collect_seconds: {
    type: "histogram",
    buckets: RUN_BUCKETS,
    help: "From the end in ComfyUI to stored outputs, of jobs that ended with a receipt.",
  },
  comfyfleet_output_bytes_total: { type: "counter", help: "Bytes of the outputs of jobs that have succeeded." },
  comfyfleet_pods: { type: "gauge", label: "phase", help: "Pods of the fleet, by phase." },
  comfyfleet_slots: { type: "gauge", label: "state", help: "Slots of the pods that are ready: busy or free." },
  comfyfleet_tailnet_pods: {
    type: "gauge",
    label: "kind",
    help: "Pods on the tailnet, by how packets get there: direct, relay, or unknown without an answered ping.",
  },
  comfyfleet_tailnet_pod_direct: {
    type: "gauge",
    label: "pod",
    maxSeries: MAX_POD_SERIES,
    help: "1 for a pod on the tailnet now that packets reach directly, 0 by a relay; none without an answered ping.",
  },
  comfyfleet_tailnet_pod_latency_seconds: {
    type: "gauge",
    label: "pod",
    maxSeries: MAX_POD_SERIES,
    help: "Round trip of the last answered ping of a pod on the tailnet now.",
  },
  comfyfleet_tailnet_ping_seconds: {
    type: "histogram",
    label: "kind",
    buckets: CALL_BUCKETS,
    help: "Round trips of answered pings of pods on the tailnet, direct or by a relay.",
  },
  comfyfleet_edge_agent_call_seconds: {
    type: "histogram",
    label: "procedure",
    buckets: CALL_BUCKETS,
    help: "Calls to agents, from the request to the head of the answer, also of those that failed.",
  },
  comfyfleet_http_request_seconds: {
    type: "histogram",
    label: "route",
    buckets: CALL_BUCKETS,
    help: "Requests to the edge, to the head of the answer.",
  },
  comfyfleet_spans_exported_total: { type: "counter", help: "Spans that the OTLP collector has taken." },
  comfyfleet_spans_dropped_total: { type: "counter", help: "Spans that found no room or no collector." },
} as const;

export type EdgeMetrics = Metrics<typeof EDGE_METRICS>;

export function createEdgeMetrics(): EdgeMetrics {
  return createMetrics(EDGE_METRICS);
}
