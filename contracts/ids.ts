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

/** By character code: the five bits of a letter of {@link ALPHABET}. */
const FIVE_BITS = Uint8Array.from(
  { length: 128 },
  (_, code) => Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);

/** The bits of `count` letters from `first` on, as so many hex digits. */
function hexOf(text: string, [first, count]: [first: number, count: number], digits: number): string {
  let bits = 0;
  for (let at = first; at < first + count; at++) bits = bits << 5 | (FIVE_BITS[text.charCodeAt(at)] ?? 0);
  return bits.toString(16).padStart(digits, "0");
}

/**
 * The UUID inside one of the ids above, in lower case: how the Comfy API v2 names the same thing. Cheap, because a job may
 * have 10,000 outputs: 2 letters are its first two digits, and each 4 more its next five.
 */
export function uuidOf(id: `${string}_${string}`): string {
  const start = id.length - 26;
  let hex = hexOf(id, [start, 2], 2);
  for (let at = start + 2; at < id.length; at += 4) hex += hexOf(id, [at, 4], 5);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** `count` letters for the bits of these hex digits. */
function lettersOf(hex: string, count: number): string {
  const bits = Number.parseInt(hex, 16);
  let letters = "";
  for (let shift = (count - 1) * 5; shift >= 0; shift -= 5) letters += ALPHABET.charAt(bits >> shift & 31);
  return letters;
}

/** The id of this kind that has the UUID, in either case; null for a text that is none. */
export function typeidOf<P extends string>(prefix: P, uuid: string): `${P}_${string}` | null {
  if (!UUID.test(uuid)) return null;
  const hex = uuid.replaceAll("-", "");
  let suffix = lettersOf(hex.slice(0, 2), 2);
  for (let at = 2; at < hex.length; at += 5) suffix += lettersOf(hex.slice(at, at + 5), 4);
  return `${prefix}_${suffix}`;
}
