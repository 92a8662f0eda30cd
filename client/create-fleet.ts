/** The SDK's door: a fleet as one object. */
import type { TRPCClient } from "@trpc/client";
import type { z } from "zod";
import type { LogEvent } from "../contracts/agent/comfy.ts";
import type { EdgeRouter } from "../contracts/edge/router.ts";
import { FleetError } from "../contracts/errors.ts";
import { JobId } from "../contracts/ids.ts";
import type { Job, Priority, SubmitJob } from "../contracts/job.ts";
import type { Metadata } from "../contracts/metadata.ts";
import { requireService, type ServiceId } from "../contracts/services/registry.ts";
import type { SystemInfo } from "../contracts/system.ts";
import type { Workflow } from "../contracts/workflow.ts";
import { parseWorkflow } from "../contracts/workflow-parse.ts";
import { type Assets, createAssets, type Upload } from "./assets.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { createJobHandle, type JobHandle } from "./job-handle.ts";
import { followPodLogs, type PodClient, podClient, type PodLogsOptions } from "./pod.ts";
import { randomId } from "./random-id.ts";
import { inTrace } from "./links.ts";
import { retrying } from "./retry.ts";
import { type ServiceInputs, uploadInputs } from "./service-input.ts";
import { type EventsOptions, type WatchedEvent, watchEvents } from "./watch-events.ts";
import { type InputValues, setInputs } from "./set-inputs.ts";

export type FleetOptions = ConnectionOptions;

export interface RunOptions {
  /** Ends uploading, submitting and waiting; the job goes on unless `cancelOnAbort`. */
  signal?: AbortSignal;
  /** Also cancel the job when `signal` is aborted. @default false */
  cancelOnAbort?: boolean;
  /** Same key and request → the same job. @default a new random one, which makes our own retries safe */
  idempotencyKey?: string;
  /** @default "normal" */
  priority?: Priority;
  /** Give up (`expired`) when no pod has started the job by then. */
  startWithinMs?: number;
  /** Hard cap on one run. */
  runWithinMs?: number;
  /** Labels, at most 16: shown with the job, and `jobs.list` finds it by them. */
  metadata?: Metadata;
  /** Ask for preview events while iterating. @default false */
  previews?: boolean;
  /** W3C `traceparent` of the span that this run belongs to. @default that of the connection */
  traceparent?: string;
}

/** The request as it is sent: parsed here, and again by the edge. */
type SubmitRequest = z.input<typeof SubmitJob>;

type SpecRequest = SubmitRequest["spec"];

export interface Fleet {
  /**
   * Runs a typed service: uploads the files among `input`, submits and returns at once.
   * @param service its id, e.g. `"fastwan2.2-5b"`
   * @param input what that service takes; an image may be {@link file}`(path)`
   */
  run<Id extends ServiceId>(service: Id, input: ServiceInputs<Id>, options?: RunOptions): JobHandle;
  /**
   * Uploads the files among `input`, submits and returns at once.
   * @param workflow API-format graph, as an object
   * @param input `{ "NODE.INPUT": value }`; NODE is a node id or unique title, a value may be {@link file}`(path)`
   */
  run(workflow: Workflow, input?: InputValues, options?: RunOptions): JobHandle;
  /** A job submitted earlier, by id. */
  job(jobId: string): JobHandle;
  /**
   * The lifecycle of every job of the tenant: `ready` first, then each transition once, over cuts and restarts of the edge,
   * until `signal` is aborted. For the state as well, read `jobs.list` after `ready`.
   */
  events(options?: EventsOptions): AsyncIterable<WatchedEvent>;
  /** Version, limits and size of the fleet. */
  system(): Promise<SystemInfo>;
  /**
   * One pod's own contract, for operators: `fleet.pod(id).comfy.restart.mutate({})`. The key needs `pods:read` or
   * `pods:operate`. Throws tRPC's errors; {@link Fleet.call} turns them into FleetError.
   */
  pod(podId: string): PodClient;
  /** Lines of a pod's ComfyUI as they come, over cuts and restarts, until `signal` is aborted. */
  podLogs(podId: string, options?: PodLogsOptions): AsyncIterable<LogEvent>;
  readonly assets: Assets;
  /** The raw typed client; it throws tRPC's errors. */
  readonly trpc: TRPCClient<EdgeRouter>;
  /** Runs a raw call and turns what it throws into FleetError. */
  call<T>(work: (trpc: TRPCClient<EdgeRouter>) => Promise<T>): Promise<T>;
}

/** How long uploads and the submit are repeated while the edge cannot be reached. */
const PATIENCE_MS = 15_000;

export function createFleet(options: FleetOptions): Fleet {
  const connection = connect(options);
  const assets = createAssets(connection);

  async function specOf(what: Workflow | string, input: InputValues, signal?: AbortSignal): Promise<SpecRequest> {
    const upload = (source: Upload) => retrying(() => assets.upload(source, { signal }), PATIENCE_MS, signal);
    if (typeof what !== "string") {
      return { kind: "workflow", workflow: await setInputs(parseWorkflow(what), input, upload) };
    }
    const service = requireService(what);
    return { kind: "service", service, input: await uploadInputs(service, input, upload) };
  }

  async function prepare(what: Workflow | string, input: InputValues, run: RunOptions): Promise<SubmitRequest> {
    run.signal?.throwIfAborted();
    return {
      spec: await specOf(what, input, run.signal),
      options: {
        idempotencyKey: run.idempotencyKey ?? randomId(),
        priority: run.priority,
        startWithinMs: run.startWithinMs,
        runWithinMs: run.runWithinMs,
        metadata: run.metadata,
      },
    };
  }

  /** Safe to repeat: the request carries its idempotency key. */
  function submit(request: SubmitRequest, traceparent: string, signal?: AbortSignal): Promise<Job> {
    const options = { signal, ...inTrace(traceparent) };
    const call = () => connection.call((trpc) => trpc.jobs.submit.mutate(request, options), signal);
    return retrying(call, PATIENCE_MS, signal);
  }

  return {
    run(what: Workflow | string, input: InputValues = {}, run: RunOptions = {}) {
      const { signal, previews } = run;
      const request = prepare(what, input, run);
      const traceparent = run.traceparent ?? connection.traceparent();
      const submitted = request.then((prepared) => submit(prepared, traceparent, signal));
      if (!signal || !run.cancelOnAbort) return createJobHandle(connection, submitted, { signal, previews });
      // The abort may have cut the answer to a submit that was accepted: the same key finds that job again.
      const cancel = async () => {
        const job = await submitted.catch(async () => submit(await request, traceparent));
        await connection.call((trpc) => trpc.jobs.cancel.mutate({ jobId: job.id }));
      };
      const onAbort = () => void cancel().catch(() => {});
      signal.addEventListener("abort", onAbort, { once: true });
      const onFinal = () => signal.removeEventListener("abort", onAbort);
      return createJobHandle(connection, submitted, { signal, previews, onFinal });
    },
    job(jobId) {
      const parsed = JobId.safeParse(jobId);
      const found = parsed.success
        ? connection.call((trpc) => trpc.jobs.get.query({ jobId: parsed.data }))
        : Promise.reject(new FleetError("invalid_input", `Cannot find job '${jobId}': this is no job id`));
      return createJobHandle(connection, found);
    },
    events: (events) => watchEvents(connection, events),
    system: () => connection.call((trpc) => trpc.system.info.query()),
    pod: (podId) => podClient(connection, podId),
    podLogs: (podId, logs) => followPodLogs(connection, podId, logs),
    assets,
    trpc: connection.trpc,
    call: connection.call,
  };
}
