/** What is said to a page that asks for a path. */
import { FleetError } from "../contracts/errors.ts";

export function noFileSystem(cause?: unknown): FleetError {
  return new FleetError("invalid_input", "Cannot use a path: there is no file system here", {
    hint: "Give file() a File or Blob, and take an output with bytes() or stream() instead of save().",
    cause,
  });
}
