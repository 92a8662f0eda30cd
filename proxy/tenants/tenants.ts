/** Tenants: the unit of isolation. */
import { typeid } from "typeid-js";
import type { TenantsPort } from "../../contracts/edge/ports.ts";
import type { TenantStore } from "../store/port.ts";

export function createTenantsPort(store: Pick<TenantStore, "createTenant">): TenantsPort {
  return { create: ({ name }) => store.createTenant({ id: typeid("tenant").toString(), name }) };
}
