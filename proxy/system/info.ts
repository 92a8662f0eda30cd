/** `system.info`: what anybody who may call at all may know of the edge and its fleet. */
import type { SystemPort } from "../../contracts/edge/ports.ts";
import { MAX_JOB_WAIT_MS } from "../../contracts/edge/inputs.ts";
import { MAX_PAGE } from "../../contracts/page.ts";
import { PROTOCOL } from "../../contracts/protocol.ts";
import type { SystemInfo } from "../../contracts/system.ts";
import type { Config } from "../config.ts";
import type { Runtime } from "../runtime/port.ts";
import type { PhaseCount, SystemStore } from "../store/system-store.ts";
import { EDGE_VERSION } from "./edge-version.ts";

export interface SystemOptions {
  store: SystemStore;
  runtime: Pick<Runtime, "name" | "version">;
  config: Pick<Config, "MAX_WORKFLOW_BYTES" | "MAX_UPLOAD_BYTES" | "JOB_RUN_TIMEOUT_MS" | "JOB_MAX_LOSSES">;
}

function limitsOf(config: SystemOptions["config"]): SystemInfo["limits"] {
  return {
    maxWorkflowBytes: config.MAX_WORKFLOW_BYTES,
    maxUploadBytes: config.MAX_UPLOAD_BYTES,
    maxPageItems: MAX_PAGE,
    maxJobWaitMs: MAX_JOB_WAIT_MS,
    defaultRunWithinMs: config.JOB_RUN_TIMEOUT_MS,
    maxLosses: config.JOB_MAX_LOSSES,
  };
}

/** Slots of pods that are away are nobody's to use. */
function fleetOf(counts: readonly PhaseCount[]): SystemInfo["fleet"] {
  const ready = counts.find(({ phase }) => phase === "ready");
  return {
    pods: counts.reduce((sum, { pods }) => sum + pods, 0),
    podsByPhase: Object.fromEntries(counts.map(({ phase, pods }) => [phase, pods])),
    slotsTotal: ready?.slotsTotal ?? 0,
    slotsBusy: ready?.slotsBusy ?? 0,
  };
}

export function createSystem({ store, runtime, config }: SystemOptions): SystemPort {
  const { name, version } = runtime;
  const limits = limitsOf(config);
  return {
    async info() {
      const [schemaVersion, counts] = await Promise.all([store.schemaVersion(), store.countPods()]);
      return {
        version: EDGE_VERSION,
        protocol: PROTOCOL,
        runtime: { name, version },
        schemaVersion,
        limits,
        fleet: fleetOf(counts),
      };
    },
  };
}
