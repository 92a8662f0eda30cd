/** The end of one job, by held requests: cheaper than its events for whoever wants nothing but the result. */
import { MAX_INLINE_BYTES } from "../contracts/bounds.ts";
import { MAX_JOB_WAIT_MS } from "../contracts/edge/inputs.ts";
import { FleetError } from "../contracts/errors.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Job } from "../contracts/job.ts";
import type { Connection } from "./connection.ts";
import { toClientError } from "./errors.ts";
import { createOutage, type OutageOptions } from "./outage.ts";

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** How long an edge may be away before the wait gives up (the job itself goes on). @default 120_000 */
  outageMs?: number | undefined;
}

/** Following one job, as an outage sees it. */
export function outageOf(
  { baseUrl }: Connection,
  jobId: JobId,
  { signal, outageMs = 120_000 }: WaitOptions,
): OutageOptions {
  const hint = `The job goes on without a watcher. Come back to it with its id, ${jobId}.`;
  return { baseUrl, what: `job ${jobId}`, hint, signal, outageMs };
}

/**
 * The final job, with the bytes of small outputs.
 * @throws FleetError `not_found`, `unauthorized`, `forbidden` at once; `edge_unreachable` after `outageMs` without an
 * edge; the signal's reason when it is aborted.
 */
export async function waitForJob(connection: Connection, jobId: JobId, options: WaitOptions = {}): Promise<Job> {
  const { signal } = options;
  const outage = createOutage(outageOf(connection, jobId, options));
  // The call's own deadline is for an edge that does not answer, not for one that waits with us.
  const waitMs = Math.min(MAX_JOB_WAIT_MS, Math.floor(connection.requestTimeoutMs / 2));
  let along: { inlineBytes?: number } = { inlineBytes: MAX_INLINE_BYTES };
  while (true) {
    signal?.throwIfAborted();
    const askedMs = Date.now();
    try {
      const job = await connection.trpc.jobs.get.query({ jobId, waitMs, ...along }, { signal });
      outage.over();
      if (isTerminal(job.state)) return job;
      // An edge that stops answers at once: the next one is asked after a pause.
      if (Date.now() - askedMs >= waitMs / 2) continue;
    } catch (error) {
      const failure = toClientError(error, connection.baseUrl);
      if (along.inlineBytes !== undefined && FleetError.is(failure) && failure.code === "invalid_input") {
        // An older edge does not know the word.
        along = {};
        continue;
      }
      outage.failed(error);
    }
    await outage.pause();
  }
}
