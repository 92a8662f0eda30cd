/** Schema 12: bytes of small outputs, which are stored with their rows. */
import type { Migration } from "./migration.ts";

export const assetBytes: Migration = {
  version: 12,
  statements: [
    // SQLite leaves bytes alone in a column of any type; the name is PostgreSQL's.
    `create table asset_bytes (
      tenant_id text not null references tenant (id),
      sha256 text not null,
      bytes bytea not null,
      primary key (tenant_id, sha256)
    )`,
  ],
};
