/** How packets get to a pod, in the words of a condition. Pure. */
import type { ConditionChange } from "../pods/conditions.ts";
import type { Path } from "./paths.ts";

/** A power of two, because one that each ping changes would be a change of the pod each time; the metrics have it as it is. */
function about(latencyMs: number): string {
  const power = Math.round(Math.log2(latencyMs));
  return power < 0 ? "less than 1 ms" : `about ${2 ** power} ms`;
}

export function pathCondition({ kind, relay, latencyMs }: Path): ConditionChange {
  const time = latencyMs === null ? "" : `, there and back in ${about(latencyMs)}`;
  switch (kind) {
    case "direct":
      return {
        type: "PathDirect",
        status: "true",
        reason: "Direct",
        message: `Packets go straight to the pod${time}.`,
      };
    case "relay":
      return {
        type: "PathDirect",
        status: "false",
        reason: "Relayed",
        message: `Packets go through the relay '${relay ?? "?"}'${time}, which is slower than a direct path.`,
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
