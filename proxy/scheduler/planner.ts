/**
 * The planner's loop: looks at queue and pods when anything may have changed, decides by the pure policy, and hands
 * every decision to the dispatcher without waiting for it. Only one edge plays it at a time, which is thrift: what makes
 * an assignment safe is the store's compare-and-set.
 */
import type { AttemptId, EdgeId, JobId, PodId } from "../../contracts/ids.ts";
import type { Waiting } from "../../contracts/job.ts";
import type { DispatchEnd, Dispatcher, LandingResults, Settlement } from "../jobs/port.ts";
import type { ObjectInfoCache } from "../jobs/object-info-cache.ts";
import { createBell } from "../time/bell.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { LivePod, PodSessions } from "../pods/port.ts";
import type { Signals } from "../signals.ts";
import type { JobStore, QueuedJob } from "../store/job-store.ts";
import type { PodStore } from "../store/pod-store.ts";
import type { RoleStore } from "../store/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createAvoidance } from "./avoidance.ts";
import { createCapabilities } from "./capability.ts";
import type { ClaimedSlot, Newcomer } from "./claims.ts";
import { explain, type ExplainedJob } from "./explain.ts";
import { createImpossibleKeys } from "./impossible-keys.ts";
import { createLookAheads } from "./look-aheads.ts";
import { avoidingOldAgents, explainOldAgents } from "./old-agents.ts";
import { createNeedsCache } from "./needs-cache.ts";
import { takesWork } from "./pod-groups.ts";
import { type Assignment, type Callable, plan } from "./policy.ts";
import { type Decision, type QueueRead, readQueue } from "./read-queue.ts";
import { createReservations } from "./reservations.ts";
import { createRole } from "./role.ts";
import { createSettledVersions } from "./settled-versions.ts";

export interface PlannerOptions {
  store:
    & Pick<JobStore, "listQueue" | "getNeeds" | "getJob">
    & Pick<RoleStore, "takeRole">
    & Pick<PodStore, "listCordoned">;
  sessions: Pick<PodSessions, "live">;
  dispatcher: Pick<Dispatcher, "dispatch">;
  settlement: Pick<Settlement, "recall"> & LandingResults;
  objectInfo: Pick<ObjectInfoCache, "get">;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  edgeId: EdgeId;
  /** Longest time until a missed hint is made up for. Default 1,000. */
  pollMs?: number;
  /** Default 5,000. */
  leaseMs?: number;
  /**
   * Jobs looked at per round, from the head of the queue; up to 16 times as many while slots stay free because nothing
   * at the head can run there. Default 1,000.
   */
  queueLimit?: number;
}

export interface Planner {
  start(): void;
  stop(): Promise<void>;
  /** Why the job was not given to a pod when it was last looked at; null when it never was. */
  waitingFor(job: ExplainedJob): Waiting | null;
  /** A free slot for a job that is about to be stored; null where it has to wait for its turn. */
  claim(job: Newcomer): ClaimedSlot | null;
}

const MAX_WIDENING = 16;

export function createPlanner(options: PlannerOptions): Planner {
  const { store, sessions, dispatcher, signals, clock } = options;
  const { pollMs = 1_000, leaseMs = 5_000, queueLimit = 1_000 } = options;
  const logger = options.logger.child("planner");
  const bell = createBell(clock);
  const role = createRole({ store, clock, edgeId: options.edgeId, role: "planner", leaseMs });
  const needsCache = createNeedsCache(store);
  const capabilities = createCapabilities(options);
  const reservations = createReservations();
  const avoidance = createAvoidance(clock);
  const lookAheads = createLookAheads(store, clock);
  const recalling = new Set<AttemptId>();
  const impossible = createImpossibleKeys(capabilities.lookup);
  const settled = createSettledVersions(clock, pollMs);
  /** What the last look read and decided. */
  let seen: QueueRead | null = null;
  /** As the last look found them. */
  let cordoned: ReadonlySet<PodId> = new Set();
  /** What was heard of the queue since the last look began. */
  let heard = false;
  /** The last look left no job in the queue, and none ahead: pods alone change nothing until more is heard. */
  let isEmpty = false;
  let running: { stop: AbortController; done: Promise<void> } | null = null;

  /** Held for a result that is coming from a pod that answers; without that pod it is to run elsewhere. */
  function isLanding(jobId: JobId): boolean {
    const podId = options.settlement.landingFrom(jobId);
    return podId !== null && sessions.live().some(({ id, accepting }) => id === podId && accepting);
  }

  function mayDispatch(job: QueuedJob): boolean {
    return !isLanding(job.id) && !reservations.has(job.id) && !settled.has(job.id, job.ver);
  }

  function dispatch({ jobId, ver, after }: Assignment, pod: LivePod): void {
    reservations.reserve(jobId, after === null ? pod : null);
    void dispatcher.dispatch({ jobId, ver, pod, after }).catch((error: unknown): DispatchEnd => {
      logger.error("dispatch failed", { job: jobId, pod: pod.id, error });
      return "unmoved";
    }).then((end) => {
      reservations.release(jobId);
      avoidance.learn({ jobId, pod }, end);
      // What one body refuses, a pod with another may take at once.
      if (end !== "refused") settled.add(jobId, ver);
      if (end !== "started" || !isEmpty) bell.ring();
    });
  }

  /** Until it is back in the queue, the plan keeps for it what it is called back for. */
  function recall({ attemptId, podId }: Callable): void {
    if (recalling.has(attemptId)) return;
    recalling.add(attemptId);
    void options.settlement.recall({ attemptId, podId }).then(() => {
      recalling.delete(attemptId);
      lookAheads.refused(attemptId);
      bell.ring();
    });
  }

  async function look(): Promise<void> {
    settled.forget();
    heard = false;
    isEmpty = false;
    if (!await role.hold()) {
      seen = null;
      return;
    }
    const bodies = new Set(sessions.live().flatMap((pod) => pod.objectInfoSha256 ?? []));
    avoidance.forget(bodies);
    cordoned = new Set(await store.listCordoned());
    await lookAheads.read(sessions.live());
    const except = impossible.among(bodies);
    const aheadKeys = new Set(lookAheads.callable().map(({ job }) => job.placementKey));
    if (aheadKeys.size > 0) await capabilities.prepare(await needsCache.get(aheadKeys), bodies);
    const keys = new Set<string>();
    seen = await readQueue({
      store,
      limit: queueLimit,
      maxJobs: queueLimit * MAX_WIDENING,
      except,
      async prepare(part) {
        const fresh = new Set(part.map((job) => job.placementKey).filter((key) => !keys.has(key)));
        for (const key of fresh) keys.add(key);
        await capabilities.prepare(await needsCache.get(fresh), bodies);
      },
      decide: (queue) => decide(queue.filter(mayDispatch)),
      isPicky: (jobId) => avoidance.of(jobId) !== undefined,
    });
    // Since the decision no I/O was awaited, so that no slot is counted that somebody takes meanwhile.
    const { decision } = seen;
    const live = new Map(sessions.live().map((pod) => [pod.id, pod]));
    for (const assignment of decision.assignments) {
      const pod = live.get(assignment.podId);
      if (pod) dispatch(assignment, pod);
    }
    for (const one of decision.recalls) recall(one);
    impossible.learn(keys);
    const given = decision.assignments.filter(({ after }) => after === null).length;
    isEmpty = !heard && !seen.truncated && seen.jobs === given && except.size === 0 && !lookAheads.any();
  }

  function decide(queue: readonly QueuedJob[]): Decision {
    const pods = sessions.live().map((pod) => ({
      ...pod,
      accepting: pod.accepting && !avoidance.isResting(pod.id),
      cordoned: cordoned.has(pod.id),
      freeSlots: reservations.freeSlots(pod),
    }));
    const ahead = lookAheads.callable();
    const avoided = avoidingOldAgents(pods, [...queue, ...ahead.map(({ job }) => job)], avoidance.of);
    const decided = explainOldAgents(pods, queue, plan({ pods, queue, lacking: capabilities.lookup, avoided, ahead }));
    const freeSlots = pods.reduce((sum, pod) => sum + (takesWork(pod) ? pod.freeSlots : 0), 0);
    const taken = decided.assignments.filter(({ after }) => after === null).length;
    return { ...decided, idle: freeSlots > taken };
  }

  /** Only while nothing waits as far as is known: then whoever comes is the next. */
  function claim({ id, tenantId, priority, placementKey }: Newcomer): ClaimedSlot | null {
    if (!isEmpty || !role.isHeld() || running?.stop.signal.aborted !== false) return null;
    const createdAtMs = clock.nowMs();
    const job = { id, tenantId, ver: 1, priority, placementKey, createdAtMs, losses: 0, hasPartnerKey: false };
    const [only] = decide([job]).assignments;
    const pod = only?.after === null ? sessions.live().find((one) => one.id === only.podId) : undefined;
    if (!pod) return null;
    reservations.reserve(id, pod);
    return {
      pod,
      settle(end) {
        reservations.release(id);
        if (end !== null) avoidance.learn({ jobId: id, pod }, end);
        if (end !== "started" || !isEmpty) bell.ring();
      },
    };
  }

  async function run(signal: AbortSignal): Promise<void> {
    const onQueue = () => {
      heard = true;
      isEmpty = false;
      bell.ring();
    };
    const stopListening = [signals.on("queue", onQueue), signals.on("pods", () => isEmpty || bell.ring())];
    let failures = 0;
    while (!signal.aborted) {
      try {
        await look();
        failures = 0;
        await bell.wait(Math.min(pollMs, lookAheads.nextInMs()), signal);
      } catch (error) {
        failures += 1;
        const pauseMs = backoffMs(clock, failures, { firstMs: 100, maxMs: 5_000 });
        logger.error("planning failed", { error, retryInMs: Math.round(pauseMs) });
        await clock.sleep(pauseMs, signal);
      }
    }
    for (const stop of stopListening) stop();
  }

  return {
    start() {
      if (running) return;
      const stop = new AbortController();
      running = { stop, done: run(stop.signal) };
    },
    async stop() {
      running?.stop.abort();
      await running?.done;
    },
    waitingFor: (job) =>
      explain(job, { seen, isLanding, isStarting: reservations.has, ahead: (jobId) => lookAheads.explain(jobId) }),
    claim,
  };
}
