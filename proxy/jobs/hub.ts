/** The feeds of all watched jobs: one per job however many watch it, gone with the last watcher. */
import type { JobId } from "../../contracts/ids.ts";
import { createJobFeed, type JobFeed, type JobFeedOptions } from "./job-feed.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";

export interface HubOptions extends JobFeedOptions {
  /** Least time between two progress events of one watcher. */
  progressIntervalMs: number;
}

export interface Subscription extends Disposable {
  mailbox: Mailbox;
}

export interface Hub {
  /** From now on the mailbox gets every event that this edge learns of. */
  subscribe(
    jobId: JobId,
    options: { previews: boolean; progressIntervalMs?: number | undefined },
  ): Subscription;
}

export function createHub(options: HubOptions): Hub {
  const feeds = new Map<JobId, { feed: JobFeed; stop: AbortController }>();

  function open(jobId: JobId) {
    const entry = { feed: createJobFeed(options, jobId), stop: new AbortController() };
    feeds.set(jobId, entry);
    void entry.feed.run(entry.stop.signal);
    return entry;
  }

  return {
    subscribe(jobId, { previews, progressIntervalMs: intervalMs = options.progressIntervalMs }) {
      const mailbox = createMailbox({ clock: options.clock, previews, intervalMs });
      const { feed, stop } = feeds.get(jobId) ?? open(jobId);
      feed.add(mailbox);
      return {
        mailbox,
        [Symbol.dispose]() {
          if (feed.remove(mailbox) > 0) return;
          stop.abort("nobody watches");
          feeds.delete(jobId);
        },
      };
    },
  };
}
