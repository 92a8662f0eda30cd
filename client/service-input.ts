/** A service's input as a program writes it: values, and files where the service takes assets. */
import { parseServiceInput } from "../contracts/services/parse-input.ts";
import type { ServiceId, ServiceRequest } from "../contracts/services/registry.ts";
import type { Asset } from "../contracts/asset.ts";
import { Upload } from "./assets.ts";
import { assetReference } from "./set-inputs.ts";

type OrUpload<Value> = [Extract<Value, { __type: "core/ASSET" }>] extends [never] ? Value : Value | Upload;

/** The input of a service; an asset may also be given as {@link file}`(path)`, which is uploaded. */
export type ServiceInputs<Id extends ServiceId> = {
  [Field in keyof ServiceRequest<Id>]: OrUpload<ServiceRequest<Id>[Field]>;
};

/** Stands in for a file until it is uploaded: the id of no asset. */
const PLACEHOLDER = { __type: "core/ASSET", info: { id: "asset_7zzzzzzzzzzzzzzzzzzzzzzzzz" } };

/**
 * The input with every {@link Upload} replaced by a reference to its asset. What the service would refuse is refused
 * before anything is uploaded; defaults are left to the edge.
 * @throws FleetError `invalid_input` as the edge would
 */
export async function uploadInputs(
  service: ServiceId,
  input: Readonly<Record<string, unknown>>,
  upload: (source: Upload) => Promise<Asset>,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(input);
  const shown = entries.map(([field, value]) => [field, value instanceof Upload ? PLACEHOLDER : value]);
  parseServiceInput(service, Object.fromEntries(shown));
  const sent: Record<string, unknown> = {};
  for (const [field, value] of entries) {
    sent[field] = value instanceof Upload ? assetReference((await upload(value)).id) : value;
  }
  return sent;
}
