/** The SDK's door: a fleet as one object. */
import type { TRPCClient } from "@trpc/client";
import type { EdgeRouter } from "../contracts/edge/router.ts";
import { FleetError } from "../contracts/errors.ts";
import { JobId } from "../contracts/ids.ts";
import type { Job, Priority } from "../contracts/job.ts";
import type { Workflow } from "../contracts/workflow.ts";
import { parseWorkflow } from "../contracts/workflow-parse.ts";
import { type Assets, createAssets } from "./assets.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { createJobHandle, type JobHandle } from "./job-handle.ts";
import { retrying } from "./retry.ts";
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
  /** Ask for preview events while iterating. @default false */
  previews?: boolean;
}

export interface Fleet {
  /**
   * Uploads the files among `input`, submits and returns at once.
   * @param workflow API-format graph, as an object
   * @param input `{ "NODE.INPUT": value }`; NODE is a node id or unique title, a value may be {@link file}`(path)`
   */
  run(workflow: Workflow, input?: InputValues, options?: RunOptions): JobHandle;
  /** A job submitted earlier, by id. */
  job(jobId: string): JobHandle;
  readonly assets: Assets;
  /** The raw typed client; it throws tRPC's errors. */
  readonly trpc: TRPCClient<EdgeRouter>;
  /** Runs a raw call and turns what it throws into FleetError. */
  call<T>(work: (trpc: TRPCClient<EdgeRouter>) => Promise<T>): Promise<T>;
}

/** How long a submit is repeated while the edge cannot be reached. */
const SUBMIT_PATIENCE_MS = 15_000;

export function createFleet(options: FleetOptions): Fleet {
  const connection = connect(options);
  const assets = createAssets(connection);

  async function submit(workflow: Workflow, input: InputValues, run: RunOptions): Promise<Job> {
    const { signal } = run;
    signal?.throwIfAborted();
    const filled = await setInputs(parseWorkflow(workflow), input, (source) => assets.upload(source, { signal }));
    const request = {
      spec: { kind: "workflow" as const, workflow: filled },
      options: {
        idempotencyKey: run.idempotencyKey ?? crypto.randomUUID(),
        priority: run.priority,
        startWithinMs: run.startWithinMs,
        runWithinMs: run.runWithinMs,
      },
    };
    const call = () => connection.call((trpc) => trpc.jobs.submit.mutate(request, { signal }));
    return await retrying(call, SUBMIT_PATIENCE_MS, signal);
  }

  return {
    run(workflow, input = {}, run = {}) {
      const submitted = submit(workflow, input, run);
      const handle = createJobHandle(connection, submitted, { signal: run.signal, previews: run.previews });
      if (run.cancelOnAbort) {
        run.signal?.addEventListener("abort", () => void handle.cancel().catch(() => {}), { once: true });
      }
      return handle;
    },
    job(jobId) {
      const parsed = JobId.safeParse(jobId);
      const found = parsed.success
        ? connection.call((trpc) => trpc.jobs.get.query({ jobId: parsed.data }))
        : Promise.reject(new FleetError("invalid_input", `Cannot find job '${jobId}': this is no job id`));
      return createJobHandle(connection, found);
    },
    assets,
    trpc: connection.trpc,
    call: connection.call,
  };
}
