/** Short leases on roles as transactions. */
import { z } from "zod";
import type { EdgeId } from "../../contracts/ids.ts";
import type { RoleStore } from "./port.ts";
import { clock, one, run, type Transaction } from "./transaction.ts";

type Held = Awaited<ReturnType<RoleStore["takeRole"]>>;

/** Renewing in time keeps epoch and up-since; a lease that had run out begins anew, even for the same edge. */
const TAKE = `insert into role (name, edge_id, epoch, until_ms, up_since_ms) values ($1, $2, 1, $4, $3)
  on conflict (name) do update set edge_id = excluded.edge_id, until_ms = excluded.until_ms,
    epoch = case when role.edge_id = excluded.edge_id and role.until_ms > $3 then role.epoch else role.epoch + 1 end,
    up_since_ms = case when role.edge_id = excluded.edge_id and role.until_ms > $3 then role.up_since_ms else $3 end
  where role.edge_id is null or role.edge_id = excluded.edge_id or role.until_ms <= $3
  returning epoch, up_since_ms as "upSinceMs"`;
const RELEASE = `update role set edge_id = null, until_ms = 0 where edge_id = $1`;

const HeldColumns = z.object({ epoch: z.int(), upSinceMs: z.int() });

export function* takeRole(input: { role: string; edgeId: EdgeId; leaseMs: number }): Transaction<Held> {
  const nowMs = yield* clock();
  return yield* one(TAKE, [input.role, input.edgeId, nowMs, nowMs + input.leaseMs], HeldColumns);
}

export function releaseRoles(edgeId: EdgeId): Transaction<void> {
  return run(RELEASE, [edgeId]);
}
