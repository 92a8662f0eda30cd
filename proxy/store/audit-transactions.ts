/** The audit as transactions. */
import { z } from "zod";
import { AuditEntry } from "../../contracts/audit.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import { TolerantErrorCode } from "../../contracts/tolerant.ts";
import type { AuditStore } from "./audit-store.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import { all, clock, run, type Transaction } from "./transaction.ts";

type Input<M extends keyof AuditStore> = Parameters<AuditStore[M]>[0];

const INSERT = `insert into audit (id, at_ms, key_id, tenant_id, action, target, reason, request_id)
  values ($1, $2, $3, $4, $5, $6, $7, $8)`;
const END = `update audit set outcome = $2, target = coalesce(target, $3) where id = $1 and outcome is null`;
const LIST = `select id, at_ms as "atMs", key_id as "keyId", tenant_id as "tenantId", action, target, reason,
  request_id as "requestId", outcome from audit where (at_ms, id) < ($1, $2) order by at_ms desc, id desc limit $3`;

const AuditColumns = AuditEntry.omit({ at: true }).extend({
  atMs: z.int(),
  outcome: z.union([z.literal("ok"), TolerantErrorCode]).nullable(),
});

export function* beginAct(act: Input<"beginAct">): Transaction<void> {
  const { id, keyId, tenantId, action, target, reason, requestId } = act;
  yield* run(INSERT, [id, yield* clock(), keyId, tenantId, action, target, reason, requestId]);
}

export function endAct({ id, outcome, target }: Input<"endAct">): Transaction<void> {
  return run(END, [id, outcome, target]);
}

export function* listAudit(page: PageRequest): Transaction<Page<AuditEntry>> {
  const start = pageStart(page, "newest_first");
  const rows = yield* all(LIST, [start.createdAtMs, start.id, page.limit + 1], AuditColumns);
  const { items, nextCursor } = pageOfRows(rows, page.limit, ({ id, atMs }) => ({ id, createdAtMs: atMs }));
  return { items: items.map(({ atMs, ...entry }) => ({ ...entry, at: toTimestamp(atMs) })), nextCursor };
}
