/**
 * Who a request came from and what it was sent to, behind proxies. `X-Forwarded-*` is whatever anybody wrote, so it counts
 * only as far as proxies of the list have added to it.
 */
import { isIP } from "node:net";
import type { ProxyList } from "../proxy-list.ts";

export interface Sender {
  /** Address of the client, as far as anybody knows it; null where the runtime does not say. */
  client: string | null;
  /** Origin that the client asked, where a trusted proxy says so. */
  origin: string | null;
}

/** An IPv4 address as such, however the socket writes it. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function isTrusted(proxies: ProxyList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 6 ? "ipv6" : "ipv4");
}

function listOf(header: string | null): string[] {
  return (header ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** Of an entry, which some proxies write with a port. */
function addressOf(entry: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry;
  return plain(bare);
}

/** What the outermost trusted proxy wrote, where each adds to a list; what there is, where each passes one value on. */
function atHop(header: string | null, hops: number): string | null {
  const values = listOf(header);
  return values[Math.max(0, values.length - hops)] ?? null;
}

function originOf(proto: string | null, host: string | null): string | null {
  if (host === null || (proto !== "http" && proto !== "https")) return null;
  const text = `${proto}://${host}`;
  // A host with a path, a user or a space in it is none.
  return URL.canParse(text) && new URL(text).host === host.toLowerCase() ? new URL(text).origin : null;
}

/** @param remote address of the other end of the connection */
export function senderOf(
  proxies: ProxyList,
  { headers, remote }: { headers: Headers; remote: string | null },
): Sender {
  const peer = remote === null ? null : plain(remote);
  if (peer === null || !isTrusted(proxies, peer)) return { client: peer, origin: null };
  const entries = listOf(headers.get("x-forwarded-for")).map(addressOf);
  let client = peer;
  let hops = 1;
  // From the nearest on: each entry was written by the one after it, which is trusted up to here.
  for (const entry of entries.toReversed()) {
    if (isIP(entry) === 0) break;
    client = entry;
    if (!isTrusted(proxies, entry)) break;
    hops += 1;
  }
  const host = atHop(headers.get("x-forwarded-host"), hops) ?? headers.get("host");
  return { client, origin: originOf(atHop(headers.get("x-forwarded-proto"), hops), host) };
}
