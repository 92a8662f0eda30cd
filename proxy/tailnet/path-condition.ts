/** How packets get to a pod, in the words of a condition. Pure. */
import type { ConditionChange } from "../pods/conditions.ts";
import type { Path } from "./paths.ts";

export function pathCondition({ kind, relay }: Path): ConditionChange {
  switch (kind) {
    case "direct":
      return { type: "PathDirect", status: "true", reason: "Direct", message: "Packets go straight to the pod." };
    case "relay":
      return {
        type: "PathDirect",
        status: "false",
        reason: "Relayed",
        message: `Packets go through the relay '${relay ?? "?"}', which is slower than a direct path.`,
      };
    case "unknown":
      return {
        type: "PathDirect",
        status: "unknown",
        reason: "NoPing",
        message: "No ping has been answered lately, so nobody knows how packets go.",
      };
  }
}
