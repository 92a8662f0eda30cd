/** The lifecycle events of all jobs in one order: what `events.watch` is told from. */
import type { TenantId } from "../../contracts/ids.ts";
import type { EventRow } from "./job-store.ts";

export interface FeedRow extends EventRow {
  /** Rises with every event of the store, in the order in which they became visible. */
  seq: number;
  tenantId: TenantId;
}

export interface EventStore {
  /** `seq` of the newest event; 0 while there is none. */
  lastEventSeq(): Promise<number>;
  /** `seq` of the newest event of one tenant, or of any with null, that has been removed with its job; 0 for none. */
  lastRemovedSeq(tenantId: TenantId | null): Promise<number>;
  /** Events of one tenant, or of all with null, after `afterSeq`, oldest first, at most `limit`. */
  listFeed(input: { tenantId: TenantId | null; afterSeq: number; limit: number }): Promise<FeedRow[]>;
}
