/** What an edge must be able to do. `proxy/` implements these; the router only validates and delegates. */
import type { z } from "zod";
import type { Asset } from "../asset.ts";
import type { Act, AuditEntry, AuditOutcome } from "../audit.ts";
import type { JobEvent } from "../event.ts";
import type { FleetEvent } from "../fleet-event.ts";
import type { AssetId, JobId, KeyId, PodId } from "../ids.ts";
import type { Job, SubmitJob } from "../job.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Pod, PodChange } from "../pod.ts";
import type { PlanService, ServiceDetails, ServicePlan, ServiceSummary } from "../services/views.ts";
import type { SystemInfo } from "../system.ts";
import type { TailnetReport, TailnetStatus } from "../tailnet/report.ts";
import type { ApiKey, Caller, CreatedKey, Tenant } from "../tenant.ts";
import type { TraceContext } from "../telemetry/trace-context.ts";
import type { RequestContext, Tracked } from "../trpc.ts";
import type { EnrollPods, Enrolment, RemovedPod, RemovePod } from "./enrolment.ts";
import type { CordonPod, CreateKey, GetJob, ListJobs, RetryJob, WatchEvents, WatchJob } from "./inputs.ts";

export type { Tracked };

/** Jobs of the caller's tenant. An unknown id and another tenant's id get the same `not_found`. */
export interface JobsPort {
  /**
   * Answers after the job is durable. A repeated idempotency key answers with the first job.
   * @param trace that the job belongs to from here on
   */
  submit(caller: Caller, input: SubmitJob, trace?: TraceContext): Promise<Job>;
  /** Held until the job is final, `waitMs` have passed or the signal aborts: then the job as it is. */
  get(caller: Caller, input: z.output<typeof GetJob>, signal: AbortSignal): Promise<Job>;
  list(caller: Caller, input: z.output<typeof ListJobs>): Promise<Page<Job>>;
  /** The snapshot or what was missed since `lastEventId`, then live; ends with the terminal status event. */
  watch(caller: Caller, input: z.output<typeof WatchJob>, signal: AbortSignal): AsyncIterable<Tracked<JobEvent>>;
  /** Queued: canceled at once. Running: `canceling` until the pod confirms. Finished: the job as it is. */
  cancel(caller: Caller, jobId: JobId): Promise<Job>;
  /** A new job with the spec, seed and bounds of a final one; `conflict` while that is not final. */
  retry(caller: Caller, input: z.output<typeof RetryJob>, trace?: TraceContext): Promise<Job>;
}

/** Lifecycle events over all jobs; see `fleet-event.ts` for what is guaranteed. */
export interface EventsPort {
  /** `ready` or what was missed since `lastEventId`, then live, until the signal aborts. */
  watch(caller: Caller, input: z.output<typeof WatchEvents>, signal: AbortSignal): AsyncIterable<Tracked<FleetEvent>>;
}

export interface SystemPort {
  info(): Promise<SystemInfo>;
}

/** Metadata only; bytes travel over raw HTTP (`routes.ts`). */
export interface AssetsPort {
  get(caller: Caller, assetId: AssetId): Promise<Asset>;
  /** The caller's tenant's, uploaded and rendered, newest first. */
  list(caller: Caller, input: PageRequest): Promise<Page<Asset>>;
  /** Its bytes go with the last asset that has them. `asset_in_use` for an unfinished job's input and a kept job's output. */
  delete(caller: Caller, assetId: AssetId): Promise<void>;
}

export interface PodsPort {
  list(input: PageRequest): Promise<Page<Pod>>;
  get(podId: PodId): Promise<Pod>;
  /** No new work from now on; what runs goes on. Repeating it changes nothing but the reason, where one is given. */
  cordon(input: CordonPod): Promise<Pod>;
  /** Takes work again, also after a drain. */
  uncordon(podId: PodId): Promise<Pod>;
  /** A cordon under which the pod is `draining` until its attempts have ended. */
  drain(input: CordonPod): Promise<Pod>;
  /**
   * Awaited pods, each with a key that joins one node. `conflict` where the edge has no control server to ask.
   * @param signal of the caller, without whom the keys are of no use: they are revoked
   */
  enroll(input: EnrollPods, signal: AbortSignal): Promise<Enrolment>;
  /** Off the tailnet and out of the list. `conflict` while it has attempts, and for a pod of `EDGE_PODS`. */
  remove(input: RemovePod, signal: AbortSignal): Promise<RemovedPod>;
  /** Every pod, then each that changes, until the signal aborts. */
  watch(signal: AbortSignal): AsyncIterable<PodChange>;
}

/** `conflict` on an edge without a tailnet. */
export interface TailnetPort {
  /** What the edge knows of itself and of its pods there; asks its own daemon and the control server, and dials nobody. */
  status(signal: AbortSignal): Promise<TailnetStatus>;
  /** Tries what must be closed on each pod, and asks each pod to try what must be closed from there. */
  check(signal: AbortSignal): Promise<TailnetReport>;
}

export interface AuditPort {
  /** Durable before it resolves, so that no act is without its entry. */
  begin(act: Act): Promise<{ end(outcome: AuditOutcome, target?: string | null): Promise<void> }>;
  /** Newest first. */
  list(input: PageRequest): Promise<Page<AuditEntry>>;
}

export interface ServicesPort {
  list(input: PageRequest): Promise<Page<ServiceSummary>>;
  /** By id or alias. */
  get(service: string): Promise<ServiceDetails>;
  /** What would become of a job with this input now; nothing is queued. */
  plan(input: PlanService): Promise<ServicePlan>;
}

export interface TenantsPort {
  create(input: { name: string }): Promise<Tenant>;
}

export interface KeysPort {
  create(caller: Caller, input: z.output<typeof CreateKey>): Promise<CreatedKey>;
  list(input: PageRequest): Promise<Page<ApiKey>>;
  /** In force on this edge at once, on every edge within 5 s. Repeating it changes nothing. */
  revoke(keyId: KeyId): Promise<ApiKey>;
}

export interface EdgeContext extends RequestContext {
  /** Null when the request carries no valid key. */
  caller: Caller | null;
  jobs: JobsPort;
  assets: AssetsPort;
  pods: PodsPort;
  services: ServicesPort;
  tenants: TenantsPort;
  keys: KeysPort;
  audit: AuditPort;
  events: EventsPort;
  system: SystemPort;
  tailnet: TailnetPort;
}
