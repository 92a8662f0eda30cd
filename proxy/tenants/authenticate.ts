/** Who calls: from an `Authorization` header to a caller, with a cache short enough that revocation reaches every edge. */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { KeyId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { KeyRecord, TenantStore } from "../store/port.ts";
import { parseKey } from "./api-key.ts";

export interface Authenticator {
  /** Null without a header, and for a malformed, unknown or revoked key: callers cannot tell which. */
  authenticate(authorization: string | null): Promise<Caller | null>;
  /** Whether the key is still in force, for calls that last; at most `cacheMs` behind the store. */
  isActive(keyId: KeyId): Promise<boolean>;
  /** Asks the store again for this key, from now on. */
  forget(keyId: KeyId): void;
}

export interface AuthenticatorOptions {
  store: Pick<TenantStore, "findKey">;
  /** Never goes back, ms. */
  monotonicMs: () => number;
  /** How long a key is believed without asking the store, ms. Below the 5 s that revocation may take. Default 3,000. */
  cacheMs?: number;
  /** Keys remembered at most; the one asked longest ago goes first. Default 10,000. */
  maxKeys?: number;
}

const BEARER = /^bearer +(\S+) *$/i;

function secretsMatch(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { store, monotonicMs, cacheMs = 3_000, maxKeys = 10_000 } = options;
  const cache = new Map<KeyId, { record: KeyRecord; askedAtMs: number }>();
  /** Rises with every `forget`, so that an answer on its way from before is used once but not kept. */
  let forgotten = 0;

  const lookUp = async (id: KeyId): Promise<KeyRecord | null> => {
    const askedAtMs = monotonicMs();
    const known = cache.get(id);
    if (known !== undefined && askedAtMs - known.askedAtMs < cacheMs) return known.record;
    const before = forgotten;
    const record = await store.findKey(id);
    cache.delete(id);
    // Unknown ids are not remembered: a stranger could fill the cache with them.
    if (record === null || before !== forgotten) return record;
    cache.set(id, { record, askedAtMs });
    const [oldest] = cache.keys();
    if (cache.size > maxKeys && oldest !== undefined) cache.delete(oldest);
    return record;
  };

  return {
    async authenticate(authorization) {
      const [, text] = BEARER.exec(authorization ?? "") ?? [];
      const key = text === undefined ? null : parseKey(text);
      if (key === null) return null;
      const record = await lookUp(key.id);
      if (record === null || record.revokedAt !== null) return null;
      if (!secretsMatch(record.secretSha256, key.secretSha256)) return null;
      return { keyId: record.id, tenantId: record.tenantId, scopes: record.scopes };
    },
    async isActive(keyId) {
      const record = await lookUp(keyId);
      return record !== null && record.revokedAt === null;
    },
    forget(keyId) {
      forgotten += 1;
      cache.delete(keyId);
    },
  };
}
