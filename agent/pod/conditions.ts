/** ComfyUI's status in the words of the pod's contract. */
import { toTimestamp } from "../../contracts/ids.ts";
import type { Condition, PodCapability } from "../../contracts/pod.ts";
import type { ComfyStatus } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";

/** `Reachable` and `ProtocolCompatible` are for the edge to judge. */
export function conditionsOf(status: ComfyStatus): Condition[] {
  return [{
    type: "ComfyReady",
    status: takesPrompts(status) ? "true" : "false",
    reason: status.reason,
    message: status.message,
    since: toTimestamp(status.sinceMs),
  }];
}

export function capabilityOf(
  status: ComfyStatus,
  agent: Pick<PodCapability, "agentVersion" | "comfyMode">,
): PodCapability {
  return {
    ...agent,
    comfyVersion: status.version,
    devices: status.devices,
    objectInfoSha256: status.objectInfoSha256,
  };
}
