/**
 * Typed, prefixed, time-sortable ids (TypeID: prefix + "_" + UUIDv7 in 26 characters of Crockford base32).
 * A pasted id says what it is. Minting lives with whoever owns the thing; this file only recognises them.
 */
import { z } from "zod";

const SUFFIX = "[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}";

function idSchema<P extends string>(prefix: P) {
  return z.templateLiteral([`${prefix}_`, z.string().regex(new RegExp(`^${SUFFIX}$`))]);
}

/** A job: one durable execution of a spec. */
export const JobId = idSchema("job");
export type JobId = z.infer<typeof JobId>;

/** One try of a job on one pod. */
export const AttemptId = idSchema("att");
export type AttemptId = z.infer<typeof AttemptId>;

/** One GPU container, minted by the edge when it first meets it. */
export const PodId = idSchema("pod");
export type PodId = z.infer<typeof PodId>;

/** Stored bytes with a hash. */
export const AssetId = idSchema("asset");
export type AssetId = z.infer<typeof AssetId>;

/** The unit of isolation and quota. */
export const TenantId = idSchema("tenant");
export type TenantId = z.infer<typeof TenantId>;

/** An API key's public half: the `<keyId>` of `cfl_<keyId>_<secret>` with its prefix. */
export const KeyId = idSchema("key");
export type KeyId = z.infer<typeof KeyId>;

/** One edge process, new at every start. */
export const EdgeId = idSchema("edge");
export type EdgeId = z.infer<typeof EdgeId>;

/** One entry of the audit table. */
export const AuditId = idSchema("audit");
export type AuditId = z.infer<typeof AuditId>;

/** One life of an agent's state directory: changes only when that directory does. */
export const BootId = idSchema("boot");
export type BootId = z.infer<typeof BootId>;

/** Lowercase hex SHA-256 of bytes, 64 characters. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lowercase hex digits");
export type Sha256 = z.infer<typeof Sha256>;

/** An ISO 8601 instant in UTC: the only form of time at a boundary. */
export const Timestamp = z.iso.datetime();
export type Timestamp = z.infer<typeof Timestamp>;

export function toTimestamp(epochMs: number): Timestamp {
  return new Date(epochMs).toISOString();
}
