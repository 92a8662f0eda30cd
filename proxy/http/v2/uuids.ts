/** The Comfy API v2 knows a job and an asset by the UUID within our typed id. */
import { FleetError } from "../../../contracts/errors.ts";
import { type AssetId, type JobId, typeidOf, uuidOf } from "../../../contracts/ids.ts";

const OUR_IDS = /\b(?:job|asset)_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}\b/g;

/** The text with every id of ours as v2 writes it: for words that were made without v2 in mind. */
export function inUuids(text: string): string {
  return text.replaceAll(OUR_IDS, (id) => uuidOf(id as JobId | AssetId));
}

/** @throws FleetError `not_found` for what is no UUID, as for an unknown one */
export function jobIdOf(uuid: string): JobId {
  const id = typeidOf("job", uuid);
  if (id !== null) return id;
  throw new FleetError("not_found", "Cannot find this job: its id is no UUID", {
    hint: "Take the id from the answer to POST /api/v2/jobs.",
  });
}

/** @throws FleetError `not_found` for what is no UUID, as for an unknown one */
export function assetIdOf(uuid: string): AssetId {
  const id = typeidOf("asset", uuid);
  if (id !== null) return id;
  throw new FleetError("not_found", "Cannot find this asset: its id is no UUID", {
    hint: "Take the id from the answer to POST /api/v2/assets, or from a job's outputs.",
  });
}
