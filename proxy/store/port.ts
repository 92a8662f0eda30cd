/**
 * The Store: every transition of durable truth as one asynchronous method. There is no generic transaction: a method is
 * one transaction, guarded by the state it expects, and says whether it happened. All times are epoch ms of the
 * store's own clock, which no caller supplies.
 */
import type { Page, PageRequest } from "../../contracts/page.ts";
import type { ApiKey, Scope, Tenant } from "../../contracts/tenant.ts";
import type { EdgeId, KeyId, TenantId } from "../../contracts/ids.ts";
import type { AssetStore } from "./asset-store.ts";
import type { AuditStore } from "./audit-store.ts";
import type { EnrolmentStore } from "./enrolment-store.ts";
import type { EventStore } from "./event-store.ts";
import type { JobStore } from "./job-store.ts";
import type { PodStore } from "./pod-store.ts";
import type { SystemStore } from "./system-store.ts";

/** A key as authentication needs it. */
export interface KeyRecord extends ApiKey {
  /** Lowercase hex sha256 of the secret part. */
  secretSha256: string;
}

export interface TenantStore {
  createTenant(input: { id: TenantId; name: string }): Promise<Tenant>;
  getTenant(id: TenantId): Promise<Tenant | null>;
  createKey(
    input: { id: KeyId; tenantId: TenantId; name: string; scopes: Scope[]; secretSha256: string },
  ): Promise<ApiKey>;
  /** Every key, newest first. */
  listKeys(page: PageRequest): Promise<Page<ApiKey>>;
  findKey(id: KeyId): Promise<KeyRecord | null>;
  /** Null when there is no such key; revoking twice keeps the first time. */
  revokeKey(id: KeyId): Promise<ApiKey | null>;
  /** Whether any key exists: the first one is minted only into an empty store. */
  hasKeys(): Promise<boolean>;
}

/** Short leases on roles that one edge at a time plays (`planner`, `reaper`). Safety never depends on them. */
export interface RoleStore {
  /** Takes or renews; null while another holds it. */
  takeRole(
    input: { role: string; edgeId: EdgeId; leaseMs: number },
  ): Promise<{ epoch: number; upSinceMs: number } | null>;
  releaseRoles(edgeId: EdgeId): Promise<void>;
}

export interface Store
  extends JobStore, EventStore, PodStore, EnrolmentStore, AssetStore, TenantStore, RoleStore, AuditStore, SystemStore {
  /** The store's clock. */
  now(): Promise<number>;
  close(): Promise<void>;
}
