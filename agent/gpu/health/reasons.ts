/**
 * What each reason means: how bad it is, what is to be done, how often in a row it must be seen before it counts, and when
 * it goes again. A table; the code walks it.
 */
import type { GpuAction, GpuNodeHint, GpuState } from "../../../contracts/agent/gpu.ts";

/**
 * When a reason goes: `never` while this agent lives (hardware does not heal inside a pod), `minutes` after it was last
 * seen, `samples` in a row without it, or the sample after (`next_sample`).
 */
export type Hold = "never" | "minutes" | "samples" | "next_sample";

export interface ReasonRule {
  state: Exclude<GpuState, "healthy">;
  action: GpuAction;
  nodeHint: GpuNodeHint | null;
  hold: Hold;
  /** Looks in a row that must show it. Default: 1. */
  after?: number;
}

/** For `hold: "minutes"`. */
export const HOLD_MS = 5 * 60_000;
/** For `hold: "samples"`. */
export const HOLD_SAMPLES = 3;

/** The chip's memory is worn out, its maker replaces it. */
const WORN_OUT: ReasonRule = { state: "unhealthy", action: "replace_pod", nodeHint: "inspect", hold: "never" };
const GONE: ReasonRule = { state: "unhealthy", action: "replace_pod", nodeHint: "avoid_node", hold: "never", after: 2 };
/** Work may go on, and a reset of the GPU mends it. */
const PENDING: ReasonRule = { state: "degraded", action: "drain_then_replace", nodeHint: "reset_gpu", hold: "never" };
const WORSE: ReasonRule = { state: "degraded", action: "none", nodeHint: "inspect", hold: "never" };
const HOT: ReasonRule = { state: "degraded", action: "none", nodeHint: null, hold: "minutes", after: 3 };
/** Another container on the same node is fine. */
const CUT_OFF: ReasonRule = { state: "unhealthy", action: "replace_pod", nodeHint: null, hold: "samples" };
const NO_PROBE: ReasonRule = { state: "unknown", action: "none", nodeHint: null, hold: "next_sample" };

export const REASONS = {
  // The driver's own advice.
  recovery_reset: { state: "unhealthy", action: "replace_pod", nodeHint: "reset_gpu", hold: "never" },
  recovery_reboot: { state: "unhealthy", action: "replace_pod", nodeHint: "reboot", hold: "never" },
  recovery_drain_and_reset: {
    state: "unhealthy",
    action: "drain_then_replace",
    nodeHint: "reset_gpu",
    hold: "never",
  },
  recovery_drain_p2p: { state: "degraded", action: "drain_then_replace", nodeHint: "inspect", hold: "minutes" },
  /** The same where GPUs work together. */
  recovery_drain_p2p_many: { state: "unhealthy", action: "replace_pod", nodeHint: "inspect", hold: "never" },
  recovery_unrecognised: { state: "degraded", action: "none", nodeHint: "inspect", hold: "minutes" },

  // Memory.
  ecc_uncorrected: { state: "unhealthy", action: "replace_pod", nodeHint: "reset_gpu", hold: "never" },
  row_remap_failed: WORN_OUT,
  sram_threshold_exceeded: WORN_OUT,
  retired_pages_limit: WORN_OUT,
  retired_pages_many: WORSE,
  bank_without_spare: WORSE,
  row_remap_pending: PENDING,
  page_retirement_pending: PENDING,
  inforom_corrupted: WORSE,

  // The GPU as a whole.
  gpu_lost: { state: "unhealthy", action: "replace_pod", nodeHint: "reboot", hold: "never" },
  gpu_reset_required: { state: "unhealthy", action: "replace_pod", nodeHint: "reset_gpu", hold: "never" },
  gpu_missing: GONE,
  gpus_gone: GONE,
  power_cable: { state: "unhealthy", action: "replace_pod", nodeHint: "inspect", hold: "never" },
  interrupt_problem: { state: "unhealthy", action: "replace_pod", nodeHint: "reboot", hold: "never" },
  /** Health fields that the driver cannot read: perhaps for a moment, */
  health_unreadable: { state: "degraded", action: "none", nodeHint: "inspect", hold: "samples" },
  /** or for good. */
  health_unreadable_lasting: {
    state: "unhealthy",
    action: "replace_pod",
    nodeHint: "inspect",
    hold: "samples",
    after: 3,
  },

  // Heat, power and the bus.
  hw_slowdown: { state: "degraded", action: "none", nodeHint: "inspect", hold: "minutes" },
  hw_slowdown_severe: { state: "unhealthy", action: "drain_then_replace", nodeHint: "inspect", hold: "never" },
  sw_thermal_slowdown: { state: "degraded", action: "none", nodeHint: null, hold: "minutes" },
  hot: HOT,
  memory_hot: HOT,
  pcie_narrow: { state: "degraded", action: "none", nodeHint: "inspect", hold: "minutes", after: 3 },

  // The probe.
  nvml_unknown_error: CUT_OFF,
  gpu_blocked: CUT_OFF,
  probe_hung: CUT_OFF,
  driver_mismatch: { ...CUT_OFF, nodeHint: "inspect" },
  probe_starting: NO_PROBE,
  smi_missing: NO_PROBE,
  no_gpu: NO_PROBE,
  not_permitted: NO_PROBE,
  probe_failed: NO_PROBE,

  // What ComfyUI says of the work.
  cuda_faults: { state: "degraded", action: "restart_app", nodeHint: null, hold: "minutes" },
  cuda_faults_lasting: { state: "degraded", action: "replace_pod", nodeHint: "inspect", hold: "minutes" },
} as const satisfies Record<string, ReasonRule>;

export type ReasonCode = keyof typeof REASONS;

export function ruleOf(code: ReasonCode): ReasonRule {
  return REASONS[code];
}

/** One look's word about a GPU, or about all of them. */
export interface Finding {
  code: ReasonCode;
  /** UUID, or what stands for it; null: all. */
  gpu: string | null;
  /** A full sentence without anything that changes from sample to sample. */
  detail: string;
}
