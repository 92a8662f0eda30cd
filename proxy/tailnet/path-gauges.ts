/** How packets get to the pods, in gauges. */
import type { PodId } from "../../contracts/ids.ts";
import { PathKind } from "../../contracts/tailnet/report.ts";
import { type EdgeMetrics, MAX_POD_SERIES } from "../telemetry/edge-metrics.ts";
import type { Path } from "./paths.ts";

/** @param pods all that are on the tailnet now: whoever is not among them any more has no series from now on */
export function readPathGauges(
  pods: readonly (readonly [PodId, Path])[],
  metrics: Pick<EdgeMetrics, "setAll">,
): void {
  const count = (kind: PathKind) => pods.filter(([, path]) => path.kind === kind).length;
  metrics.setAll("comfyfleet_tailnet_pods", PathKind.options.map((kind) => [kind, count(kind)] as const));
  const shown = pods.slice(0, MAX_POD_SERIES);
  const known = shown.filter(([, { kind }]) => kind !== "unknown");
  metrics.setAll("comfyfleet_tailnet_pod_direct", known.map(([id, { kind }]) => [id, kind === "direct" ? 1 : 0]));
  const latencies = shown.flatMap(([id, { latencyMs }]) =>
    latencyMs === null ? [] : [[id, latencyMs / 1_000] as const]
  );
  metrics.setAll("comfyfleet_tailnet_pod_latency_seconds", latencies);
}
