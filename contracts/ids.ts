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

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The UUID inside one of the ids above, in lower case: how the Comfy API v2 names the same thing. */
export function uuidOf(id: `${string}_${string}`): string {
  let value = 0n;
  for (const letter of id.slice(-26)) value = value * 32n + BigInt(ALPHABET.indexOf(letter));
  return value.toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The id of this kind that has the UUID, in either case; null for a text that is none. */
export function typeidOf<P extends string>(prefix: P, uuid: string): `${P}_${string}` | null {
  if (!UUID.test(uuid)) return null;
  let value = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let suffix = "";
  for (let letters = 0; letters < 26; letters++) {
    suffix = ALPHABET.charAt(Number(value & 31n)) + suffix;
    value >>= 5n;
  }
  return `${prefix}_${suffix}`;
}
