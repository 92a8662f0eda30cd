/**
 * The events of one job, over as many connections as it takes: a cut stream is opened again from the last event seen,
 * so nothing is missed and nothing comes twice. Ends after the terminal status event.
 */
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Connection } from "./connection.ts";
import { eventStream } from "./event-stream.ts";
import { createOutage } from "./outage.ts";
import type { WaitOptions } from "./wait-job.ts";

export interface WatchOptions extends WaitOptions {
  /** Ask for preview images too. @default false */
  previews?: boolean | undefined;
}

/** @throws as {@link waitForJob} */
export async function* watchJob(
  connection: Connection,
  jobId: JobId,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent, void> {
  const { previews = false, signal, outageMs = 120_000 } = options;
  const outage = createOutage(connection, jobId, { outageMs, signal });
  let lastEventId: string | null = null;
  while (true) {
    signal?.throwIfAborted();
    try {
      for await (const event of eventStream(connection, { jobId, previews, lastEventId }, signal)) {
        lastEventId = event.id;
        outage.over();
        yield event.data;
        if (event.data.type === "status" && isTerminal(event.data.state)) return;
      }
    } catch (error) {
      outage.failed(error);
    }
    await outage.pause();
  }
}
