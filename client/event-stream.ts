/** One connection's events of a job. */
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import type { Connection } from "./connection.ts";
import { oneConnection, type Received } from "./one-connection.ts";

/** Lifecycle events are kept; of progress and previews a reader who is late gets only the last of each. */
function keep(queue: Received<JobEvent>[], event: Received<JobEvent>): void {
  const { type } = event.data;
  const unread = type === "status" ? -1 : queue.findIndex(({ data }) => data.type === type);
  if (unread >= 0) queue.splice(unread, 1);
  queue.push(event);
}

/** Ends when the stream is cut or `signal` is aborted; throws when the edge refuses it. */
export function eventStream(
  connection: Connection,
  input: { jobId: JobId; previews: boolean; lastEventId: string | null },
  signal: AbortSignal | undefined,
): AsyncGenerator<Received<JobEvent>, void> {
  const open = connection.trpc.jobs.watch.subscribe;
  return oneConnection<JobEvent>({ open: (callbacks) => open(input, callbacks), keep }, signal);
}
