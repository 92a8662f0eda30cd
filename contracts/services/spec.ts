/** A service in a job's spec: which one, which version, and its parsed input. */
import { z } from "zod";
import { FleetError } from "../errors.ts";
import { Seed } from "./input-fields.ts";
import { parseServiceInput } from "./parse-input.ts";
import { requireService, type ServiceId, type ServiceInput, SERVICES } from "./registry.ts";

/** A union over the services, told apart by `service`. */
export type ServiceSpec = {
  [Id in ServiceId]: { kind: "service"; service: Id; version: number; input: ServiceInput<Id> };
}[ServiceId];

/** As it comes in: an alias may stand for the id, and no version means the current one. */
const ForeignSpec = z.strictObject({
  kind: z.literal("service"),
  service: z.string().max(100),
  version: z.int().min(1).optional(),
  input: z.unknown().optional(),
});

function parseSpec({ kind, service, version, input }: z.output<typeof ForeignSpec>): ServiceSpec {
  const id = requireService(service);
  const current = SERVICES[id].version;
  if (version !== undefined && version !== current) {
    throw new FleetError("invalid_input", `Cannot run service '${id}': it has no version ${version}`, {
      hint: `Its version is ${current}; leave the version out to use that.`,
    });
  }
  return { kind, service: id, version: current, input: parseServiceInput(id, input) };
}

/**
 * Schema form; the typed error travels through tRPC as the cause.
 * @throws FleetError `not_found` for a service that does not exist, `invalid_input` for its version or input
 */
export const ServiceSpecSchema = ForeignSpec.transform(parseSpec);

/** What a job and its receipt say of the service that was asked for. */
export const ServiceUse = z.object({ id: z.string(), version: z.int(), seed: Seed });
export type ServiceUse = z.infer<typeof ServiceUse>;
