/** What the store says of itself and of the fleet as a whole. */
import type { PodPhase } from "../../contracts/pod.ts";

export interface PhaseCount {
  phase: PodPhase;
  pods: number;
  /** As they last said. */
  slotsTotal: number;
  slotsBusy: number;
}

export interface SystemStore {
  /** Step of the schema that the store is at. */
  schemaVersion(): Promise<number>;
  /** Pods that are not `gone`, by phase. */
  countPods(): Promise<PhaseCount[]>;
}
