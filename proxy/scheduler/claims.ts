/**
 * A job that comes while nothing waits need not wait either: the slot that the planner would give it is found before it is
 * stored, and one commit stores and assigns it. Whatever stands in the way, it takes its place in the queue.
 */
import type { Claims, DispatchEnd, Dispatcher } from "../jobs/port.ts";
import type { LivePod } from "../pods/port.ts";
import type { NewJob } from "../store/new-job.ts";

/** A job that is not stored yet, without a partner key. */
export type Newcomer = Pick<NewJob, "id" | "tenantId" | "priority" | "placementKey">;

/** Promised until it is settled. */
export interface ClaimedSlot {
  pod: LivePod;
  /** Called once. @param end null: the slot was not used */
  settle(end: DispatchEnd | null): void;
}

export interface ClaimsOptions {
  planner: { claim(job: Newcomer): ClaimedSlot | null };
  dispatcher: Pick<Dispatcher, "prepare">;
}

export function createClaims({ planner, dispatcher }: ClaimsOptions): Claims {
  return {
    async claim(job) {
      const slot = planner.claim(job);
      if (slot === null) return null;
      const prepared = await dispatcher.prepare(job, slot.pod);
      if (prepared === null) {
        slot.settle(null);
        return null;
      }
      return {
        assignment: prepared.assignment,
        settle(stored) {
          if (stored?.state === "assigned") {
            // A slot that nobody settles stays taken, so also where `start` breaks its word.
            return void prepared.start(stored).then(slot.settle, () => slot.settle("unmoved"));
          }
          prepared.drop();
          slot.settle(null);
        },
      };
    },
  };
}
