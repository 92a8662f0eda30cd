/** The words for a hash that the tenant has uploaded no bytes with. */
import { FleetError } from "../../contracts/errors.ts";

export function blobNotFound(): FleetError {
  return new FleetError("blob_not_found", "Cannot find these bytes: your tenant has uploaded none with this hash", {
    hint: "Upload the file.",
  });
}
