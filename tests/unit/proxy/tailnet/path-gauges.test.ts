import { describe, expect, it } from "vitest";
import type { PodId } from "../../../../contracts/ids.ts";
import type { Path } from "../../../../proxy/tailnet/paths.ts";
import { readPathGauges } from "../../../../proxy/tailnet/path-gauges.ts";
import { createEdgeMetrics, MAX_POD_SERIES } from "../../../../proxy/telemetry/edge-metrics.ts";
import { parsePrometheus } from "../../../support/telemetry/prometheus.ts";
import { newPodId } from "../store/samples.ts";

const DIRECT: Path = { kind: "direct", relay: null, latencyMs: 1.5 };
const RELAY: Path = { kind: "relay", relay: "fra", latencyMs: 80 };
const UNKNOWN: Path = { kind: "unknown", relay: null, latencyMs: null };

function setUp() {
  const metrics = createEdgeMetrics();
  return {
    read: (pods: [PodId, Path][]) => readPathGauges(pods, metrics),
    series: (name: string) => [...parsePrometheus(metrics.text()).get(`comfyfleet_tailnet_${name}`)?.samples ?? []],
  };
}

describe("readPathGauges()", () => {
  it("has kind and latency of each pod, and neither where no ping has been answered", () => {
    const { read, series } = setUp();
    const [a, b, c] = [newPodId(), newPodId(), newPodId()];
    read([[a, DIRECT], [b, RELAY], [c, UNKNOWN]]);
    expect(series("pod_direct")).toEqual([
      [`comfyfleet_tailnet_pod_direct{pod="${a}"}`, 1],
      [`comfyfleet_tailnet_pod_direct{pod="${b}"}`, 0],
    ]);
    expect(series("pod_latency_seconds")).toEqual([
      [`comfyfleet_tailnet_pod_latency_seconds{pod="${a}"}`, 0.0015],
      [`comfyfleet_tailnet_pod_latency_seconds{pod="${b}"}`, 0.08],
    ]);
    expect(series("pods").map(([, value]) => value)).toEqual([1, 1, 1]);
  });

  it("has nothing any more of a pod that has left, or whose path is not known any more", () => {
    const { read, series } = setUp();
    const [a, b] = [newPodId(), newPodId()];
    read([[a, DIRECT], [b, RELAY]]);
    read([[b, UNKNOWN]]);
    expect(series("pod_direct")).toEqual([]);
    expect(series("pod_latency_seconds")).toEqual([]);
  });

  it("has no more series than the bound, each of one pod", () => {
    const { read, series } = setUp();
    read(Array.from({ length: MAX_POD_SERIES + 5 }, () => [newPodId(), DIRECT]));
    for (const name of ["pod_direct", "pod_latency_seconds"]) {
      expect(series(name).length).toBe(MAX_POD_SERIES);
      expect(series(name).some(([key]) => key.includes("other"))).toBe(false);
    }
    expect(series("pods").map(([, value]) => value)).toEqual([MAX_POD_SERIES + 5, 0, 0]);
  });
});
