/** ComfyUI's id for an attempt: the UUID inside the attempt's own id, so that it needs no state and is never used twice. */
import { TypeID } from "typeid-js";
import type { AttemptId } from "../../contracts/ids.ts";

/** Canonical lowercase UUID, the only form that ComfyUI accepts. */
export function promptIdOf(attemptId: AttemptId): string {
  return TypeID.fromString(attemptId, "att").toUUID();
}
