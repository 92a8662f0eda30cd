/** A job as an object: await it for the result, iterate it for progress, cancel it. */
import type { Output } from "../contracts/asset.ts";
import { type ErrorCode, FleetError } from "../contracts/errors.ts";
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Job } from "../contracts/job.ts";
import type { Receipt } from "../contracts/receipt.ts";
import { retrying } from "./retry.ts";
import type { Connection } from "./connection.ts";
import { createOutputFile, type OutputFile } from "./output-file.ts";
import { waitForJob, type WaitOptions } from "./wait-job.ts";
import { watchJob, type WatchOptions } from "./watch-job.ts";

export interface JobResult {
  job: Job;
  /** What the workflow saved; ComfyUI's own temporary previews are only in `previews`. */
  outputs: OutputFile[];
  previews: OutputFile[];
  receipt: Receipt | null;
}

export interface RetryOptions {
  /** Same key → the same new job. @default a new random one, which makes our own repeats of the call safe */
  idempotencyKey?: string | undefined;
  /** Ends the call and every wait for the new job, which goes on. */
  signal?: AbortSignal | undefined;
}

/** How long the call that makes a retry is repeated while the edge cannot be reached. */
const PATIENCE_MS = 15_000;

/**
 * `await handle` waits for the result. Leaving the loop or aborting a wait does not cancel the job; `cancel()` does.
 */
export interface JobHandle extends PromiseLike<JobResult>, AsyncIterable<JobEvent> {
  /** The job as the edge accepted it; rejects when it was refused. */
  readonly submitted: Promise<Job>;
  /** The job as it is now. */
  get(): Promise<Job>;
  /** Every event from now on, over cuts of the connection, until the job is final. */
  watch(options?: WatchOptions): AsyncIterable<JobEvent>;
  /** Resolves when the job succeeded; rejects with FleetError carrying the job's own code, and `details.jobId`. */
  result(options?: WaitOptions): Promise<JobResult>;
  /** Asks for the end; a result that lands first wins. */
  cancel(): Promise<Job>;
  /** The same spec, seed and bounds once more, as a new job whose `retryOf` is this one; it must be final (`conflict`). */
  retry(options?: RetryOptions): JobHandle;
}

export interface JobHandleOptions extends WatchOptions {
  /** Told when the job is seen to have ended. */
  onFinal?: () => void;
}

function failureOf(job: Job): FleetError {
  const details = { jobId: job.id, job };
  if (job.state === "canceled") {
    return new FleetError("canceled", `Cannot return a result: job ${job.id} was canceled`, { details });
  }
  if (job.state === "expired") {
    return new FleetError("expired", `Cannot return a result: job ${job.id} was not started in time`, {
      hint: "Give it more time with startWithinMs, or add pods.",
      details,
    });
  }
  const code: ErrorCode = job.error?.code ?? "execution_failed";
  const message = job.error?.message ?? `Job ${job.id} failed`;
  return new FleetError(code, message, { hint: job.error?.hint ?? undefined, details });
}

function withoutBytes(output: Output): Output {
  const { dataBase64: _, ...described } = output;
  return described;
}

function resultOf(connection: Connection, job: Job): JobResult {
  if (job.state !== "succeeded") throw failureOf(job);
  const files = job.outputs.map((output) => createOutputFile(connection, output));
  return {
    job: { ...job, outputs: job.outputs.map(withoutBytes) },
    outputs: files.filter((output) => !output.temporary),
    previews: files.filter((output) => output.temporary),
    receipt: job.receipt,
  };
}

export function createJobHandle(
  connection: Connection,
  submitted: Promise<Job>,
  { onFinal = () => {}, ...defaults }: JobHandleOptions = {},
): JobHandle {
  // Whoever only iterates or cancels must not be punished for a refusal that they meet there anyway.
  submitted.catch(() => {});
  const idOf = async (): Promise<JobId> => (await submitted).id;

  async function* watch(options: WatchOptions = {}): AsyncGenerator<JobEvent, void> {
    for await (const event of watchJob(connection, await idOf(), { ...defaults, ...options })) {
      if (event.type === "status" && isTerminal(event.state)) onFinal();
      yield event;
    }
  }

  async function result(options: WaitOptions = {}): Promise<JobResult> {
    const accepted = await submitted;
    if (isTerminal(accepted.state)) return resultOf(connection, accepted);
    const final = await waitForJob(connection, accepted.id, { ...defaults, ...options });
    onFinal();
    return resultOf(connection, final);
  }

  const get = async (): Promise<Job> => {
    const jobId = await idOf();
    return connection.call((trpc) => trpc.jobs.get.query({ jobId }));
  };

  let awaited: Promise<JobResult> | null = null;
  return {
    submitted,
    get,
    watch,
    result,
    async cancel() {
      const jobId = await idOf();
      return connection.call((trpc) => trpc.jobs.cancel.mutate({ jobId }));
    },
    retry({ idempotencyKey = crypto.randomUUID(), signal } = {}) {
      const again = async () => {
        const input = { jobId: await idOf(), idempotencyKey };
        const call = () => connection.call((trpc) => trpc.jobs.retry.mutate(input, { signal }), signal);
        return await retrying(call, PATIENCE_MS, signal);
      };
      return createJobHandle(connection, again(), { signal });
    },
    [Symbol.asyncIterator]: () => watch()[Symbol.asyncIterator](),
    then(onFulfilled, onRejected) {
      return (awaited ??= result()).then(onFulfilled, onRejected);
    },
  };
}
