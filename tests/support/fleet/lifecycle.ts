// Every state of a job from its submission on, as its edge tells them to a watcher that has seen none.
import type { Fleet } from "../../../client/mod.ts";
import type { JobEvent } from "../../../contracts/event.ts";
import type { JobId } from "../../../contracts/ids.ts";
import { states } from "./events.ts";

/** Ends with the job. */
export async function wholeLifecycle(client: Fleet, jobId: JobId): Promise<string[]> {
  const received: JobEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    client.trpc.jobs.watch.subscribe({ jobId, lastEventId: "0" }, {
      onData: ({ data }) => received.push(data),
      onComplete: resolve,
      onError: reject,
    });
  });
  return states(received);
}
