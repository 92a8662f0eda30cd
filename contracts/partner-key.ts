/**
 * A caller's key for the partner nodes of its own graph, which ComfyUI gives to the nodes that ask for it. Nobody else is
 * to see it: this file is also what takes it out of the words of others.
 */
import { z } from "zod";

/** ComfyUI takes any text; this one's length is bounded. */
export const PartnerKey = z.string().min(1).max(1_024);
export type PartnerKey = z.infer<typeof PartnerKey>;

/** The first protocol version whose agents take {@link PartnerKey}s. */
export const PARTNER_KEY_PROTOCOL = 2;

const REDACTED = "[redacted]";

/** What is shorter is not taken out of texts: it protects nothing, and stands in words that have nothing to do with it. */
const MIN_SECRET_CHARS = 8;

function replaced(text: string, secret: string): string {
  return secret.length < MIN_SECRET_CHARS ? text : text.replaceAll(secret, REDACTED);
}

/** `text` without the secrets, wherever they stand in it. */
export function redactText(text: string, secrets: Iterable<string>): string {
  for (const secret of secrets) text = replaced(text, secret);
  return text;
}

/** The same for JSON, where a secret stands as JSON writes it; what was JSON still is. */
export function redactJson(json: string, secrets: Iterable<string>): string {
  for (const secret of secrets) json = replaced(json, JSON.stringify(secret).slice(1, -1));
  return json;
}

/** The same for every text in a value that JSON can hold. */
export function redactValue<T>(value: T, secrets: readonly string[]): T {
  if (secrets.length === 0) return value;
  return JSON.parse(redactJson(JSON.stringify(value), secrets)) as T;
}
