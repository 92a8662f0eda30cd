/** Tenants and the API keys that act for them. */
import { z } from "zod";
import { KeyId, TenantId, Timestamp } from "./ids.ts";

export const Scope = z.enum([
  "jobs:read",
  "jobs:write",
  "assets:read",
  "assets:write",
  "services:read",
  "pods:read",
  "pods:operate",
  "models:operate",
  "metrics:read",
  "admin",
]);
export type Scope = z.infer<typeof Scope>;

/** What a tenant's key may do unless told otherwise; logs show other tenants' prompts, so pods are not in it. */
export const TENANT_SCOPES: readonly Scope[] = [
  "jobs:read",
  "jobs:write",
  "assets:read",
  "assets:write",
  "services:read",
];

export const Tenant = z.object({ id: TenantId, name: z.string().min(1).max(100), createdAt: Timestamp });
export type Tenant = z.infer<typeof Tenant>;

export const ApiKey = z.object({
  id: KeyId,
  tenantId: TenantId,
  name: z.string().max(100),
  scopes: z.array(Scope),
  createdAt: Timestamp,
  revokedAt: Timestamp.nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** Said once, at creation: `key` is `cfl_<keyId>_<secret>`; only its hash is kept. */
export const CreatedKey = ApiKey.extend({ key: z.string() });
export type CreatedKey = z.infer<typeof CreatedKey>;

/** Who calls, as authentication found it. */
export interface Caller {
  keyId: KeyId;
  tenantId: TenantId;
  scopes: readonly Scope[];
}

/** `admin` includes every scope. */
export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes("admin") || caller.scopes.includes(scope);
}
