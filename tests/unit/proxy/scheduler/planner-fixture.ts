// A planner over a queue, pods and a dispatcher that a test changes at will.
import type { AttemptId, JobId, PodId } from "../../../../contracts/ids.ts";
import { PROTOCOL } from "../../../../contracts/protocol.ts";
import type { DispatchEnd } from "../../../../proxy/jobs/port.ts";
import type { LivePod } from "../../../../proxy/pods/port.ts";
import { createPlanner, type PlannerOptions } from "../../../../proxy/scheduler/planner.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import type { JobRow, QueuedJob } from "../../../../proxy/store/job-store.ts";
import { recordedInfo } from "../jobs/graph-fixtures.ts";
import { bootId, edgeId, jobId, podId, tenantId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

export const info = recordedInfo();

export function livePod(n: number, fields: Partial<LivePod> = {}): LivePod {
  return {
    id: podId(n),
    name: `gpu-${n}`,
    bootId: bootId(n),
    epoch: 1,
    protocol: PROTOCOL.max,
    dev: false,
    accepting: true,
    freeSlots: 1,
    mayFollow: [],
    ahead: [],
    objectInfoSha256: "body",
    gpu: { state: "healthy", why: null },
    ...fields,
  };
}

export function queued(n: number, ver = 1): QueuedJob {
  return {
    id: jobId(n),
    tenantId: tenantId(1),
    ver,
    priority: "normal",
    placementKey: "key",
    createdAtMs: n,
    losses: 0,
    hasPartnerKey: false,
  };
}

interface Dispatch {
  jobId: JobId;
  podId: string;
  after: AttemptId | null;
  settle(end?: DispatchEnd): void;
}

/** Not started yet. */
export function setUpPlanner(options: Partial<PlannerOptions> = {}) {
  const fleet = {
    queue: [] as QueuedJob[],
    pods: [livePod(1)],
    cordoned: [] as PodId[],
    dispatches: [] as Dispatch[],
    /** Jobs of look-aheads, by id. */
    rows: new Map<JobId, JobRow>(),
    recalls: [] as { attemptId: AttemptId; settle(): void }[],
    reads: 0,
    failing: false,
    leader: true,
    /** Pods from which results are coming, by job. */
    landing: new Map<JobId, PodId>(),
    roleCalls: 0,
  };
  const clock = createManualClock();
  const signals = createSignals();
  const planner = createPlanner({
    store: {
      listQueue: (limit, { after, exceptKeys = [], exceptWithPartnerKey = [] } = {}) => {
        fleet.reads += 1;
        if (fleet.failing) return Promise.reject(new Error("database is gone"));
        const start = fleet.queue.findIndex((job) => job.id === after?.id) + 1;
        const rest = fleet.queue.slice(start).filter(({ placementKey, hasPartnerKey }) =>
          !exceptKeys.includes(placementKey) && !(hasPartnerKey && exceptWithPartnerKey.includes(placementKey))
        );
        return Promise.resolve(rest.slice(0, limit));
      },
      getNeeds: (keys) =>
        Promise.resolve(
          new Map(
            keys.map((
              key,
            ) => [key, { classes: [key.startsWith("impossible") ? "NoSuchNode" : "SaveImage"], models: [] }]),
          ),
        ),
      getJob: (id) => Promise.resolve(fleet.rows.get(id) ?? null),
      listCordoned: () => Promise.resolve(fleet.cordoned),
      takeRole: () => {
        fleet.roleCalls += 1;
        return Promise.resolve(fleet.leader ? { epoch: 1, upSinceMs: 0 } : null);
      },
    },
    sessions: { live: () => fleet.pods },
    dispatcher: {
      dispatch: ({ jobId: id, pod, after }) =>
        new Promise((resolve) => {
          fleet.dispatches.push({ jobId: id, podId: pod.id, after, settle: (end = "unmoved") => resolve(end) });
        }),
    },
    settlement: {
      landingFrom: (id) => fleet.landing.get(id) ?? null,
      recall: ({ attemptId }) => new Promise((resolve) => fleet.recalls.push({ attemptId, settle: () => resolve() })),
    },
    objectInfo: { get: () => Promise.resolve(info) },
    signals,
    clock,
    logger: silentLogger,
    edgeId: edgeId(1),
    ...options,
  });
  return { fleet, clock, signals, planner };
}
