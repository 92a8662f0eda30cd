/** Keys that let a node join, in words of others: nobody is to read one in a log. */

/** Tailscale's and headscale's auth and API keys, OAuth secrets, and the secret part of a login's address. */
const KEY = /\b(?:tskey|hskey|hskey-authreq)-[\w-]+/g;

export function redactAuthKeys(text: string): string {
  return text.includes("skey-") ? text.replace(KEY, "[redacted]") : text;
}
