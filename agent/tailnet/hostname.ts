/** What the node is called: for people and for an edge that waits for this name; never an identity. */
import type { BootId, PodId } from "../../contracts/ids.ts";

/** Letters of the boot id: its time and some chance. */
const BOOT_CHARS = 16;

export function hostnameOf({ podId, bootId }: { podId: PodId | null; bootId: BootId }): string {
  if (podId !== null) return podId.replace("_", "-");
  return `pod-${bootId.slice("boot_".length).slice(0, BOOT_CHARS)}`;
}
