/** The events of one job, over cuts of the connection. Ends after the terminal status event. */
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Connection } from "./connection.ts";
import { eventStream } from "./event-stream.ts";
import { overCuts } from "./over-cuts.ts";

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
export function watchJob(
  connection: Connection,
  jobId: JobId,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent, void> {
  const { previews = false, signal, outageMs = 120_000 } = options;
  return overCuts<JobEvent>({
    baseUrl: connection.baseUrl,
    open: (lastEventId) => eventStream(connection, { jobId, previews, lastEventId }, signal),
    isLast: (event) => event.type === "status" && isTerminal(event.state),
    what: `job ${jobId}`,
    hint: `The job goes on without a watcher. Come back to it with its id, ${jobId}.`,
    signal,
    outageMs,
  });
}
