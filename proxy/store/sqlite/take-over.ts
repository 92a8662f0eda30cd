/**
 * Whoever holds the file's lock is the only edge alive: leases of edges before it are those of the dead, and waiting for
 * them to run out would only keep pods and roles idle. Epochs stay, so agents still fence what the dead had under way.
 */
import { skipEventNumbers } from "../event-transactions.ts";
import { run, type Transaction } from "../transaction.ts";

export function* takeOver(): Transaction<void> {
  yield* run("update pod set edge_id = null, lease_until_ms = 0 where edge_id is not null", []);
  yield* run("update role set edge_id = null, until_ms = 0 where edge_id is not null", []);
  yield* skipEventNumbers();
}
