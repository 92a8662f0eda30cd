/** Every service that this version has, by id. A new one is a folder and a line here. */
import type { z } from "zod";
import { FleetError } from "../errors.ts";
import { shorten } from "../shorten.ts";
import { fastwan } from "./fastwan/fastwan.ts";

export const SERVICES = { [fastwan.id]: fastwan } as const;

type Services = typeof SERVICES;
export type ServiceId = keyof Services;
/** What a parsed input holds, defaults filled in; `seed` until submit only if the caller gave it. */
export type ServiceInput<Id extends ServiceId> = z.output<Services[Id]["input"]>;
/** What a caller writes. */
export type ServiceRequest<Id extends ServiceId> = z.input<Services[Id]["input"]>;

export const SERVICE_IDS = Object.keys(SERVICES) as ServiceId[];

/** The folder names of services that come later, so that whoever uses one is told what it stands for. */
const LATER: Readonly<Record<string, string>> = {
  "infinite-talk-v1": "infinite-talk",
  "qwen-image-edit-nunchanku": "qwen-image-edit",
  "wan2.2-14b-loras-v1": "wan2.2-14b-loras",
};

/** The id behind a name or an alias, whether this version has that service or not; null for a name of nothing. */
function canonicalId(name: string): string | null {
  if (Object.hasOwn(LATER, name)) return LATER[name] ?? null;
  if (Object.values(LATER).includes(name)) return name;
  return SERVICE_IDS.find((id) => id === name || SERVICES[id].aliases.includes(name)) ?? null;
}

/** Null for a name that is neither an id nor an alias of a service that this version has. */
export function findService(name: string): ServiceId | null {
  const id = canonicalId(name);
  return SERVICE_IDS.find((known) => known === id) ?? null;
}

/** @throws FleetError `not_found` with the names that there are */
export function requireService(name: string): ServiceId {
  const found = findService(name);
  if (found) return found;
  const id = canonicalId(name);
  const shown = `'${shorten(name)}'`;
  const state = id === null
    ? `no service is called ${shown}`
    : `this version does not have ${id === name ? shown : `'${id}', for which ${shown} stands,`} yet`;
  throw new FleetError("not_found", `Cannot find service: ${state}`, {
    hint: `Services are ${SERVICE_IDS.join(", ")}.`,
  });
}
