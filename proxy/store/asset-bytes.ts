/**
 * Bytes of small outputs, in the transaction of the rows that name them: they are as durable as these, without a file's own
 * waits for the disk. They go with the last row of their tenant that has their hash.
 */
import { z } from "zod";
import type { Sha256, TenantId } from "../../contracts/ids.ts";
import { one, run, type Transaction } from "./transaction.ts";

/** Equal bytes may be there. */
const INSERT = `insert into asset_bytes (tenant_id, sha256, bytes) values ($1, $2, $3)
  on conflict (tenant_id, sha256) do nothing`;
const GET = `select bytes as "bytes" from asset_bytes where tenant_id = $1 and sha256 = $2`;
const DELETE_UNUSED = `delete from asset_bytes where tenant_id = $1 and sha256 = $2
  and not exists (select 1 from asset where tenant_id = $1 and sha256 = $2)`;

const BytesColumns = z.object({ bytes: z.instanceof(Uint8Array) });

/** Whose bytes they are, and which. */
export interface BytesKey {
  tenantId: TenantId;
  sha256: Sha256;
}

export function insertBytes({ tenantId, sha256 }: BytesKey, bytes: Uint8Array): Transaction<void> {
  return run(INSERT, [tenantId, sha256, bytes]);
}

/** Null where the bytes are in the blob store, or nowhere. */
export function* getBytes({ tenantId, sha256 }: BytesKey): Transaction<Uint8Array<ArrayBuffer> | null> {
  const row = yield* one(GET, [tenantId, sha256], BytesColumns);
  return row === null ? null : new Uint8Array(row.bytes);
}

/** After a row that had them was deleted. */
export function deleteUnusedBytes({ tenantId, sha256 }: BytesKey): Transaction<void> {
  return run(DELETE_UNUSED, [tenantId, sha256]);
}
