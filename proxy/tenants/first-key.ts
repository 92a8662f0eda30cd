/** The first administrator key: minted into an empty store and said once, or brought by the operator. */
import { typeid } from "typeid-js";
import { FleetError } from "../../contracts/errors.ts";
import type { TenantStore } from "../store/port.ts";
import { mintKey, type ParsedKey, parseKey } from "./api-key.ts";

/**
 * `minted`: `key` is said this once. `stored`: the given key is in force now. `present`: the store has that key, revoked
 * or not. `ignored`: the store has other keys, and the given one is none of them. `exists`: it has keys, and none was given.
 */
export type FirstKey = { status: "minted"; key: string } | { status: "stored" | "present" | "ignored" | "exists" };

export interface FirstKeyOptions {
  store: TenantStore;
  /** `EDGE_BOOTSTRAP_KEY`: a whole `cfl_…` key. */
  bootstrapKey?: string | undefined;
  randomBytes?: (size: number) => Uint8Array;
}

function parseBootstrapKey(text: string): ParsedKey {
  const key = parseKey(text.trim());
  if (key !== null) return key;
  throw new FleetError("invalid_input", "Cannot use EDGE_BOOTSTRAP_KEY: it is no whole cfl_… key", {
    hint: "Start the edge once without it, on an empty data directory, and give it the key that it shows.",
  });
}

async function storeKey(store: TenantStore, { id, secretSha256 }: ParsedKey): Promise<void> {
  const tenant = await store.createTenant({ id: typeid("tenant").toString(), name: "default" });
  await store.createKey({ id, tenantId: tenant.id, name: "first key", scopes: ["admin"], secretSha256 });
}

/**
 * Idempotent. A revoked bootstrap key stays revoked, and a store that has keys gets no other by this way.
 * @throws FleetError `invalid_input` when `bootstrapKey` is no key.
 */
export async function ensureFirstKey({ store, bootstrapKey, randomBytes }: FirstKeyOptions): Promise<FirstKey> {
  const given = bootstrapKey === undefined ? null : parseBootstrapKey(bootstrapKey);
  if (await store.hasKeys()) {
    if (given === null) return { status: "exists" };
    return { status: await store.findKey(given.id) === null ? "ignored" : "present" };
  }
  if (given !== null) {
    await storeKey(store, given);
    return { status: "stored" };
  }
  const minted = mintKey(randomBytes);
  await storeKey(store, minted);
  return { status: "minted", key: minted.key };
}
