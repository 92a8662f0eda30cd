/** Enrolments as transactions. */
import { z } from "zod";
import type { PodId } from "../../contracts/ids.ts";
import {
  awaitedKey,
  type EnrolledBy,
  type EnrolmentRow,
  type EnrolmentStore,
  type NewEnrolment,
} from "./enrolment-store.ts";
import type { PodRow } from "./pod-store.ts";
import { POD_COLUMNS, PodColumns } from "./pod-transactions.ts";
import { all, clock, one, type Transaction } from "./transaction.ts";

const ENROLL =
  `insert into pod (id, name, transport_key, phase, epoch, lease_until_ms, slots_total, slots_busy, conditions,
  created_at_ms, dev, enrolled_key_id, enrolment_ends_at_ms)
  values ($1, $2, $3, 'joining', 0, 0, 0, 0, $4, $5, $6, $7, $8) returning ${POD_COLUMNS}`;
const ENROLLED = `select name, enrolled_key_id as "keyId", created_at_ms as "createdAtMs",
  enrolment_ends_at_ms as "endsAtMs" from pod where enrolled_key_id is not null`;
const EXPIRE = `update pod set phase = 'gone'
  where enrolment_ends_at_ms < $1 and transport_key = 'enrolled:' || id and phase <> 'gone' returning ${POD_COLUMNS}`;
// The key of one that nobody joined as is changed, so that nobody does any more. An operator's word on it ends with it.
const REMOVE = `update pod set phase = 'gone', edge_id = null, epoch = epoch + 1, lease_until_ms = 0,
  cordoned_at_ms = null, draining = 0, cordon_reason = '',
  transport_key = case when transport_key = 'enrolled:' || id then 'removed:' || id else transport_key end
  where id = $1 and phase <> 'gone' returning ${POD_COLUMNS}`;

const EnrolmentColumns: z.ZodType<EnrolmentRow> = z.object({
  name: z.string(),
  keyId: z.string(),
  createdAtMs: z.int(),
  endsAtMs: z.int(),
});

export function* enrollPods(pods: readonly NewEnrolment[]): Transaction<PodRow[]> {
  const nowMs = yield* clock();
  const rows: PodRow[] = [];
  for (const { id, name, keyId, endsAtMs, dev, conditions } of pods) {
    const params = [
      id,
      name,
      awaitedKey(id),
      JSON.stringify(conditions),
      nowMs,
      dev ? 1 : 0,
      keyId,
      Math.round(endsAtMs),
    ];
    const row = yield* one(ENROLL, params, PodColumns);
    if (row === null) throw new Error(`Cannot enroll pod ${name}: the store returned no row`);
    rows.push(row);
  }
  return rows;
}

export function getEnrolment(id: PodId): Transaction<EnrolmentRow | null> {
  return one(`${ENROLLED} and id = $1`, [id], EnrolmentColumns);
}

export function findEnrolments(by: EnrolledBy): Transaction<EnrolmentRow[]> {
  const [column, value] = "keyId" in by ? ["enrolled_key_id", by.keyId] : ["name", by.name];
  return all(`${ENROLLED} and ${column} = $1`, [value], EnrolmentColumns);
}

export function* expireEnrolments(graceMs: Parameters<EnrolmentStore["expireEnrolments"]>[0]): Transaction<PodRow[]> {
  return yield* all(EXPIRE, [(yield* clock()) - graceMs], PodColumns);
}

export function removePod(id: PodId): Transaction<PodRow | null> {
  return one(REMOVE, [id], PodColumns);
}
