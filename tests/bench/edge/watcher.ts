/** One watcher of one job: the raw event stream of `jobs.watch`, without the SDK, which would mend what is to be seen. */
import superjson from "superjson";
import { EDGE_ROUTES } from "../../../contracts/edge/routes.ts";
import { JobEvent, type StatusEvent } from "../../../contracts/event.ts";
import type { JobId } from "../../../contracts/ids.ts";
import { open, readEvents, type ServerEvent } from "./http-client.ts";

export interface Watcher {
  readonly jobId: JobId;
  /** As they came; the first tells how the job was when the stream began. */
  readonly statuses: StatusEvent[];
  /** Progress events that came. */
  readonly progress: number;
  /** Resolves when the edge has ended the stream. */
  readonly ended: Promise<void>;
}

export async function openWatcher(
  { baseUrl, apiKey, jobId }: { baseUrl: string; apiKey: string; jobId: JobId },
): Promise<Watcher> {
  const input = encodeURIComponent(superjson.stringify({ jobId }));
  const response = await open({ url: `${baseUrl}${EDGE_ROUTES.trpc}/jobs.watch?input=${input}`, secret: apiKey });
  const seen = { jobId, statuses: [] as StatusEvent[], progress: 0, ended: Promise.resolve() };

  function take({ event, data }: ServerEvent): void {
    if (event === "return") response.destroy();
    // The transport's own words are told by a name.
    if (event !== "" || data === "") return;
    const told = JobEvent.parse(superjson.parse(data));
    if (told.type === "status") seen.statuses.push(told);
    if (told.type === "progress") seen.progress += 1;
  }

  const reading = readEvents(response, take);
  seen.ended = Promise.race([reading, new Promise<void>((resolve) => response.once("close", resolve))]);
  return seen;
}
