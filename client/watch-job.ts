/** The events of one job, over cuts of the connection. Ends after the terminal status event. */
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Connection } from "./connection.ts";
import { eventStream } from "./event-stream.ts";
import { overCuts } from "./over-cuts.ts";
import { outageOf, type WaitOptions } from "./wait-job.ts";

export interface WatchOptions extends WaitOptions {
  /** Ask for preview images too. @default false */
  previews?: boolean | undefined;
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
  const { previews = false, signal } = options;
  return overCuts<JobEvent>({
    ...outageOf(connection, jobId, options),
    open: (lastEventId) => eventStream(connection, { jobId, previews, lastEventId }, signal),
    isLast: (event) => event.type === "status" && isTerminal(event.state),
  });
}
