/**
 * What `events.watch` yields: the lifecycle of every job of a tenant, or of all tenants for an administrator.
 *
 * Guaranteed: every lifecycle event committed after the stream's first one (`ready`), each once, those of one job in the
 * order of their `ver`; a stream that is cut and opened again with the last id seen misses none and repeats none, also over
 * a restart of the edge, or is told (`missed`) that some were removed with their jobs meanwhile. Not told: progress and
 * previews (`jobs.watch`), and what a job has become in full (`jobs.get`).
 *
 * Who needs the state as well as the changes opens the stream, waits for `ready`, and then reads `jobs.list`: an event
 * whose `ver` is not above that of the job read tells nothing new.
 */
import { z } from "zod";
import { StatusEvent } from "./event.ts";
import { TenantId } from "./ids.ts";

/**
 * First event of a stream that resumes nothing: whatever is committed from here on is told. Also told later, should events
 * be removed with their jobs before a slow stream came to them.
 */
export const ReadyEvent = z.object({
  type: z.literal("ready"),
  /**
   * Events may be missing, so read the state anew: the id to resume from is none that this edge has given, or events after
   * it have been removed with their jobs.
   */
  missed: z.boolean(),
});

/** A transition of one job, of a fixed size. */
export const LifecycleEvent = StatusEvent.omit({ job: true }).extend({ tenantId: TenantId });
export type LifecycleEvent = z.infer<typeof LifecycleEvent>;

/** Told apart by `type`. Event ids are opaque, and of one order over all jobs. */
export const FleetEvent = z.discriminatedUnion("type", [ReadyEvent, LifecycleEvent]);
export type FleetEvent = z.infer<typeof FleetEvent>;
