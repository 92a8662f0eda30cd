/** API keys: made once and said once, listed without their secrets, revoked for good. */
import type { KeysPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import { TENANT_SCOPES } from "../../contracts/tenant.ts";
import type { TenantStore } from "../store/port.ts";
import { mintKey } from "./api-key.ts";
import type { Authenticator } from "./authenticate.ts";

export interface KeysOptions {
  store: TenantStore;
  authenticator: Pick<Authenticator, "forget">;
  randomBytes?: (size: number) => Uint8Array;
}

/** @throws FleetError `not_found` for an unknown tenant or key. */
export function createKeysPort({ store, authenticator, randomBytes }: KeysOptions): KeysPort {
  return {
    async create(caller, input) {
      const tenantId = input.tenantId ?? caller.tenantId;
      if (await store.getTenant(tenantId) === null) {
        throw new FleetError("not_found", `Cannot make a key: there is no tenant ${tenantId}`, {
          hint: "Make the tenant first with tenants.create, or leave tenantId out for your own.",
        });
      }
      const { id, secretSha256, key } = mintKey(randomBytes);
      const scopes = [...new Set(input.scopes ?? TENANT_SCOPES)];
      return { ...await store.createKey({ id, tenantId, name: input.name, scopes, secretSha256 }), key };
    },
    list: (input) => store.listKeys(input),
    async revoke(keyId) {
      const revoked = await store.revokeKey(keyId);
      authenticator.forget(keyId);
      if (revoked !== null) return revoked;
      throw new FleetError("not_found", `Cannot revoke key ${keyId}: there is no such key`, {
        hint: "List the keys with keys.list.",
      });
    },
  };
}
