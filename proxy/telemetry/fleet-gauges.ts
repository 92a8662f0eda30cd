/** The gauges of pods and slots, read from the store when they are asked for. */
import type { PodStore } from "../store/pod-store.ts";
import { type EdgeMetrics, SHOWN_PHASES } from "./edge-metrics.ts";

/** @throws what the store throws */
export async function readFleetGauges(store: Pick<PodStore, "listActivePods">, metrics: EdgeMetrics): Promise<void> {
  const pods = await store.listActivePods();
  const inPhase = (phase: string) => pods.filter((pod) => pod.phase === phase);
  metrics.setAll("comfyfleet_pods", SHOWN_PHASES.map((phase) => [phase, inPhase(phase).length] as const));
  const ready = inPhase("ready");
  const total = ready.reduce((sum, pod) => sum + pod.slotsTotal, 0);
  const busy = ready.reduce((sum, pod) => sum + pod.slotsBusy, 0);
  metrics.setAll("comfyfleet_slots", [["busy", busy], ["free", Math.max(0, total - busy)]]);
}
