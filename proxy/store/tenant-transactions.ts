/** Tenants and keys as transactions. */
import { z } from "zod";
import { KeyId, TenantId, toTimestamp } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import { type ApiKey, Scope, type Tenant } from "../../contracts/tenant.ts";
import { jsonColumn } from "./columns.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import type { KeyRecord, TenantStore } from "./port.ts";
import { all, clock, happened, one, run, type Transaction } from "./transaction.ts";

const INSERT_TENANT = `insert into tenant (id, name, created_at_ms) values ($1, $2, $3)`;
const GET_TENANT = `select id, name, created_at_ms as "createdAtMs" from tenant where id = $1`;
const KEY_COLUMNS = `id, tenant_id as "tenantId", name, scopes, secret_sha256 as "secretSha256",
  created_at_ms as "createdAtMs", revoked_at_ms as "revokedAtMs"`;
const INSERT_KEY = `insert into api_key (id, tenant_id, name, scopes, secret_sha256, created_at_ms)
  values ($1, $2, $3, $4, $5, $6)`;
const LIST_KEYS = `select ${KEY_COLUMNS} from api_key where (created_at_ms, id) < ($1, $2)
  order by created_at_ms desc, id desc limit $3`;
const GET_KEY = `select ${KEY_COLUMNS} from api_key where id = $1`;
const REVOKE_KEY = `update api_key set revoked_at_ms = coalesce(revoked_at_ms, $2) where id = $1
  returning ${KEY_COLUMNS}`;

const TenantColumns = z.object({ id: TenantId, name: z.string(), createdAtMs: z.int() });

/** What a newer edge lets a key do, and this one has no word for, it may not do here. */
const KnownScopes = z.array(z.string()).transform((scopes) =>
  scopes.flatMap((scope) => Scope.safeParse(scope).data ?? [])
);

const KeyColumns = z.object({
  id: KeyId,
  tenantId: TenantId,
  name: z.string(),
  scopes: jsonColumn(KnownScopes),
  secretSha256: z.string(),
  createdAtMs: z.int(),
  revokedAtMs: z.int().nullable(),
});
type KeyRow = z.output<typeof KeyColumns>;

function toApiKey({ id, tenantId, name, scopes, createdAtMs, revokedAtMs }: KeyRow): ApiKey {
  const revokedAt = revokedAtMs === null ? null : toTimestamp(revokedAtMs);
  return { id, tenantId, name, scopes, createdAt: toTimestamp(createdAtMs), revokedAt };
}

export function* createTenant({ id, name }: { id: TenantId; name: string }): Transaction<Tenant> {
  const nowMs = yield* clock();
  yield* run(INSERT_TENANT, [id, name, nowMs]);
  return { id, name, createdAt: toTimestamp(nowMs) };
}

export function* getTenant(id: TenantId): Transaction<Tenant | null> {
  const row = yield* one(GET_TENANT, [id], TenantColumns);
  return row === null ? null : { id: row.id, name: row.name, createdAt: toTimestamp(row.createdAtMs) };
}

export function* createKey(input: Parameters<TenantStore["createKey"]>[0]): Transaction<ApiKey> {
  const { id, tenantId, name, scopes, secretSha256 } = input;
  const nowMs = yield* clock();
  yield* run(INSERT_KEY, [id, tenantId, name, JSON.stringify(scopes), secretSha256, nowMs]);
  return { id, tenantId, name, scopes, createdAt: toTimestamp(nowMs), revokedAt: null };
}

export function* listKeys(page: PageRequest): Transaction<Page<ApiKey>> {
  const start = pageStart(page, "newest_first");
  const rows = yield* all(LIST_KEYS, [start.createdAtMs, start.id, page.limit + 1], KeyColumns);
  const { items, nextCursor } = pageOfRows(rows, page.limit, (row) => row);
  return { items: items.map(toApiKey), nextCursor };
}

export function* findKey(id: KeyId): Transaction<KeyRecord | null> {
  const row = yield* one(GET_KEY, [id], KeyColumns);
  return row === null ? null : { ...toApiKey(row), secretSha256: row.secretSha256 };
}

export function* revokeKey(id: KeyId): Transaction<ApiKey | null> {
  const row = yield* one(REVOKE_KEY, [id, yield* clock()], KeyColumns);
  return row === null ? null : toApiKey(row);
}

export function hasKeys(): Transaction<boolean> {
  return happened(`select 1 as found from api_key limit 1`, []);
}
