/** Pods and their sessions as transactions. A session is fenced by its epoch: an older one changes nothing. */
import { z } from "zod";
import { BootId, EdgeId, PodId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import { PodPhase } from "../../contracts/pod.ts";
import { TolerantCapability, TolerantConditions } from "../../contracts/tolerant.ts";
import { BooleanColumn, jsonColumn } from "./columns.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import type { PodBody, PodRow, PodStore } from "./pod-store.ts";
import { all, clock, happened, one, run, type Transaction } from "./transaction.ts";

type Input<M extends keyof PodStore> = Parameters<PodStore[M]>[0];

export const POD_COLUMNS =
  `id, name, transport_key as "transportKey", phase, boot_id as "bootId", edge_id as "edgeId", epoch,
  lease_until_ms as "leaseUntilMs", slots_total as "slotsTotal", slots_busy as "slotsBusy", capability, conditions,
  created_at_ms as "createdAtMs", last_seen_at_ms as "lastSeenAtMs", cordoned_at_ms as "cordonedAtMs",
  cordon_reason as "cordonReason", draining, dev, via, (select count(*) from attempt
    where attempt.pod_id = pod.id and attempt.ended_at_ms is null) as "liveAttempts"`;

/** Readable too when a newer edge wrote it; the next beat or silence writes it anew. */
export const PodColumns: z.ZodType<PodRow> = z.object({
  id: PodId,
  name: z.string(),
  transportKey: z.string(),
  phase: PodPhase.catch("joining"),
  bootId: BootId.nullable(),
  edgeId: EdgeId.nullable(),
  epoch: z.int(),
  leaseUntilMs: z.int(),
  slotsTotal: z.int(),
  slotsBusy: z.int(),
  capability: jsonColumn(TolerantCapability).nullable(),
  conditions: jsonColumn(TolerantConditions),
  createdAtMs: z.int(),
  lastSeenAtMs: z.int().nullable(),
  cordonedAtMs: z.int().nullable(),
  cordonReason: z.string(),
  draining: BooleanColumn,
  dev: BooleanColumn,
  via: z.enum(["direct", "tailnet"]).catch("direct"),
  liveAttempts: z.int(),
});

const REGISTER = `insert into pod
  (id, name, transport_key, phase, epoch, lease_until_ms, slots_total, slots_busy, conditions, created_at_ms, via, dev)
  values ($1, $2, $3, 'joining', 0, 0, 0, 0, '[]', $4, $5, $6)
  on conflict (transport_key) do update set name = excluded.name, via = excluded.via, dev = excluded.dev,
    phase = case when pod.phase = 'gone' then 'joining' else pod.phase end
  returning ${POD_COLUMNS}`;
const CLAIM = `update pod set transport_key = $2, via = 'tailnet', phase = 'joining'
  where id = $1 and transport_key = 'enrolled:' || id and dev = $3 and enrolled_key_id = coalesce($4, enrolled_key_id)
  and not exists (select 1 from pod where transport_key = $2)
  returning ${POD_COLUMNS}`;
const GET_POD = `select ${POD_COLUMNS} from pod where id = $1`;
const LIST_PODS = `select ${POD_COLUMNS} from pod where (created_at_ms, id) > ($1, $2) and phase <> 'gone'
  order by created_at_ms, id limit $3`;
const LIST_ACTIVE = `select ${POD_COLUMNS} from pod where phase <> 'gone' order by created_at_ms, id`;
const TAKE = `update pod set edge_id = $2, epoch = epoch + 1, lease_until_ms = $4
  where id = $1 and (edge_id is null or edge_id = $2 or lease_until_ms <= $3) and phase <> 'gone' returning epoch`;
const BEAT = `update pod set lease_until_ms = $3, last_seen_at_ms = $4, phase = $5, boot_id = $6, slots_total = $7,
  slots_busy = $8, capability = $9, conditions = $10, object_info_sha256 = $11
  where id = $1 and epoch = $2 and edge_id is not null returning id`;
const SILENCE = `update pod set lease_until_ms = $3, phase = $4, conditions = $5
  where id = $1 and epoch = $2 and edge_id is not null returning id`;
const CORDON =
  `update pod set cordoned_at_ms = coalesce(cordoned_at_ms, $2), draining = case when $3 = 1 then 1 else draining end,
  cordon_reason = case when $4 = '' then cordon_reason else $4 end where id = $1`;
const UNCORDON = `update pod set cordoned_at_ms = null, draining = 0, cordon_reason = '' where id = $1`;
const LIST_CORDONED = `select id from pod where cordoned_at_ms is not null and phase <> 'gone'`;
const GONE_AT_WORK = `select distinct pod_id as id from attempt where ended_at_ms is null
  and exists (select 1 from pod where pod.id = attempt.pod_id and phase = 'gone')`;
const RELEASE = `update pod set edge_id = null, lease_until_ms = 0 where edge_id = $1`;
const PUT_BODY = `insert into object_info (sha256, body, seen_at_ms) values ($1, $2, $3)
  on conflict (sha256) do update set seen_at_ms = excluded.seen_at_ms`;
const GET_BODY = `select body from object_info where sha256 = $1`;
const SEEN_AT = `select seen_at_ms as "seenAtMs" from object_info where sha256 = $1`;
const SEE_BODY = `update object_info set seen_at_ms = $2 where sha256 = $1`;
const PRUNE_BODIES = `delete from object_info where seen_at_ms < $1
  and not exists (select 1 from pod where pod.object_info_sha256 = object_info.sha256 and phase <> 'gone')`;
const LIST_BODIES = `select id as "podId", object_info_sha256 as "objectInfoSha256" from pod
  where phase not in ('gone', 'lost') and dev = 0 order by id`;

/** A pod that goes back and forth between two bodies, as at a restart, does not send them again each time. */
const KEEP_UNUSED_MS = 3_600_000;

const IdColumns = z.object({ id: PodId });
const BodyColumns: z.ZodType<PodBody> = z.object({
  podId: z.custom<PodId>((value) => typeof value === "string"),
  objectInfoSha256: z.string().nullable(),
});

export function* registerPod(pod: Input<"registerPod">): Transaction<PodRow> {
  const { id, name, transportKey, via = "direct", dev = false } = pod;
  const row = yield* one(REGISTER, [id, name, transportKey, yield* clock(), via, dev ? 1 : 0], PodColumns);
  if (row === null) throw new Error(`Cannot register pod ${name}: the store returned no row`);
  return row;
}

export function claimEnrolled({ podId, stableId, dev, keyId }: Input<"claimEnrolled">): Transaction<PodRow | null> {
  return one(CLAIM, [podId, stableId, dev ? 1 : 0, keyId], PodColumns);
}

export function getPod(id: PodId): Transaction<PodRow | null> {
  return one(GET_POD, [id], PodColumns);
}

export function* listPods(page: PageRequest): Transaction<Page<PodRow>> {
  const start = pageStart(page, "oldest_first");
  const rows = yield* all(LIST_PODS, [start.createdAtMs, start.id, page.limit + 1], PodColumns);
  return pageOfRows(rows, page.limit, (row) => row);
}

export function listActivePods(): Transaction<PodRow[]> {
  return all(LIST_ACTIVE, [], PodColumns);
}

export function* takePod({ podId, edgeId, leaseMs }: Input<"takePod">): Transaction<{ epoch: number } | null> {
  const nowMs = yield* clock();
  return yield* one(TAKE, [podId, edgeId, nowMs, nowMs + leaseMs], z.object({ epoch: z.int() }));
}

export function* recordBeat({ podId, epoch, leaseMs, observed }: Input<"recordBeat">): Transaction<boolean> {
  const { phase, bootId, slotsTotal, slotsBusy, capability, conditions } = observed;
  const nowMs = yield* clock();
  const said = [phase, bootId, slotsTotal, slotsBusy, JSON.stringify(capability), JSON.stringify(conditions)];
  return yield* happened(BEAT, [podId, epoch, nowMs + leaseMs, nowMs, ...said, capability.objectInfoSha256]);
}

export function* recordSilence(input: Input<"recordSilence">): Transaction<boolean> {
  const { podId, epoch, leaseMs, phase, conditions } = input;
  const nowMs = yield* clock();
  return yield* happened(SILENCE, [podId, epoch, nowMs + leaseMs, phase, JSON.stringify(conditions)]);
}

export function* setCordon({ podId, cordon, reason }: Input<"setCordon">): Transaction<PodRow | null> {
  if (cordon === "none") yield* run(UNCORDON, [podId]);
  else yield* run(CORDON, [podId, yield* clock(), cordon === "drain" ? 1 : 0, reason]);
  return yield* getPod(podId);
}

export function* listCordoned(): Transaction<PodId[]> {
  return (yield* all(LIST_CORDONED, [], IdColumns)).map(({ id }) => id);
}

export function* listGoneAtWork(): Transaction<PodId[]> {
  return (yield* all(GONE_AT_WORK, [], IdColumns)).map(({ id }) => id);
}

export function releasePods(edgeId: EdgeId): Transaction<void> {
  return run(RELEASE, [edgeId]);
}

export function* putObjectInfo({ sha256, body }: Input<"putObjectInfo">): Transaction<void> {
  const nowMs = yield* clock();
  yield* run(PUT_BODY, [sha256, body, nowMs]);
  yield* run(PRUNE_BODIES, [nowMs - KEEP_UNUSED_MS]);
}

export function* seeObjectInfo(sha256: string): Transaction<boolean> {
  const nowMs = yield* clock();
  const seen = yield* one(SEEN_AT, [sha256], z.object({ seenAtMs: z.int() }));
  // Rarely: the row is written anew with its body, and a thousand pods of one body start at once.
  if (seen && seen.seenAtMs < nowMs - KEEP_UNUSED_MS / 2) yield* run(SEE_BODY, [sha256, nowMs]);
  return seen !== null;
}

export function* getObjectInfo(sha256: string): Transaction<string | null> {
  return (yield* one(GET_BODY, [sha256], z.object({ body: z.string() })))?.body ?? null;
}

export function listPodBodies(): Transaction<PodBody[]> {
  return all(LIST_BODIES, [], BodyColumns);
}
