/**
 * The events of one job, over as many connections as it takes: a cut stream is opened again from the last event seen,
 * so nothing is missed and nothing comes twice. Ends after the terminal status event.
 */
import type { JobEvent } from "../contracts/event.ts";
import { FleetError } from "../contracts/errors.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Connection } from "./connection.ts";
import { toClientError } from "./errors.ts";
import { eventStream } from "./event-stream.ts";
import { backoffMs, sleep } from "./retry.ts";

export interface WatchOptions {
  /** Ask for preview images too. @default false */
  previews?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** How long an edge may be away before the watch gives up (the job itself goes on). @default 120_000 */
  outageMs?: number | undefined;
}

/**
 * @throws FleetError `not_found`, `unauthorized`, `forbidden` at once; `edge_unreachable` after `outageMs` without an
 * edge; the signal's reason when it is aborted.
 */
export async function* watchJob(
  connection: Connection,
  jobId: JobId,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent, void> {
  const { previews = false, signal, outageMs = 120_000 } = options;
  let lastEventId: string | null = null;
  let attempt = 0;
  let outageSinceMs: number | null = null;
  while (true) {
    signal?.throwIfAborted();
    try {
      for await (const event of eventStream(connection, { jobId, previews, lastEventId }, signal)) {
        lastEventId = event.id;
        attempt = 0;
        outageSinceMs = null;
        yield event.data;
        if (event.data.type === "status" && isTerminal(event.data.state)) return;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const known = toClientError(error, connection.baseUrl);
      if (!FleetError.is(known) || !known.retryable) throw known;
      outageSinceMs ??= Date.now();
      if (Date.now() - outageSinceMs > outageMs) {
        throw new FleetError("edge_unreachable", `Cannot follow job ${jobId}: the edge has been away too long`, {
          hint: `The job goes on without a watcher. Come back to it with its id, ${jobId}.`,
          cause: known,
        });
      }
    }
    await sleep(backoffMs(attempt++), signal);
  }
}
