/** A pod's GPUs: what nvidia-smi last said of each, and what that means for work and for the pod. */
import { z } from "zod";
import { MAX_DEVICES, MAX_GPU_REASONS, Text } from "../bounds.ts";
import { Timestamp } from "../ids.ts";

/**
 * `degraded` gets work when nothing better is free, `unhealthy` gets none. `unknown`: no probe is possible, or none has
 * answered yet; it keeps its work, because a lost probe must not take down a fleet.
 */
export const GpuState = z.enum(["healthy", "degraded", "unhealthy", "unknown"]);
export type GpuState = z.infer<typeof GpuState>;

/** What is to be done with the pod. Never a reset: a container has no right to one. */
export const GpuAction = z.enum(["none", "restart_app", "drain_then_replace", "replace_pod"]);
export type GpuAction = z.infer<typeof GpuAction>;

/** What the operator of the node should do, which no pod can. */
export const GpuNodeHint = z.enum(["reset_gpu", "reboot", "inspect", "avoid_node"]);
export type GpuNodeHint = z.infer<typeof GpuNodeHint>;

export const GpuReason = z.object({
  /** Snake case word for machines, e.g. `row_remap_failed`; later agents may know more of them. */
  code: Text,
  /** UUID of the GPU; null for what concerns them all. */
  gpu: Text.nullable(),
  /** A sentence for people, as it was when the reason came. */
  detail: Text,
  firstSeen: Timestamp,
  /** How often it has come, after having gone; 1 while it came once. */
  count: z.int().min(1),
});
export type GpuReason = z.infer<typeof GpuReason>;

export const GpuVerdict = z.object({
  /** That of the worst reason. */
  state: GpuState,
  since: Timestamp,
  /** Rises with every change of anything below. */
  seq: z.int().min(0),
  /** The worst first. */
  reasons: z.array(GpuReason).max(MAX_GPU_REASONS),
  /** The strongest that a reason asks for. */
  action: GpuAction,
  nodeHint: GpuNodeHint.nullable(),
});
export type GpuVerdict = z.infer<typeof GpuVerdict>;

const count = z.int().min(0).nullable();
const measure = z.number().nullable();
const flag = z.boolean().nullable();

/** One GPU at one moment. Null: this kind of GPU or driver does not say. */
export const GpuReading = z.object({
  index: count,
  uuid: Text.nullable(),
  pciBusId: Text.nullable(),
  name: Text.nullable(),
  driverVersion: Text.nullable(),
  /** `P0` (fastest) to `P15`. */
  performanceState: Text.nullable(),
  /** The driver's own advice, e.g. `None` or `Reset`. */
  recoveryAction: Text.nullable(),
  /** Why the clocks are lower than they could be, e.g. `sw_power_cap` (normal), `hw_thermal_slowdown`. */
  slowdowns: z.array(Text).max(64),
  memoryTotalBytes: measure,
  memoryReservedBytes: measure,
  memoryUsedBytes: measure,
  /** Share of the last sixth of a second to second in which a kernel ran, 0 to 100. With MIG: null. */
  utilizationPercent: measure,
  memoryUtilizationPercent: measure,
  temperatureC: measure,
  /** Degrees left until the GPU slows itself down; newer GPUs only. */
  temperatureMarginC: measure,
  memoryTemperatureC: measure,
  powerDrawW: measure,
  powerLimitW: measure,
  smClockMhz: measure,
  smClockMaxMhz: measure,
  eccEnabled: flag,
  /** Since the driver was loaded. */
  eccCorrected: count,
  eccUncorrected: count,
  /** Whether memory errors of the chip have passed the maker's limit for a replacement. */
  sramThresholdExceeded: flag,
  retiredPages: count,
  retirementPending: flag,
  remappedRows: count,
  remapPending: flag,
  remapFailed: flag,
  /** Banks of memory without a spare row left. */
  banksWithoutSpare: count,
  pcieGeneration: count,
  pcieGenerationMax: count,
  pcieWidth: count,
  pcieWidthMax: count,
  /** With MIG the readings are those of the whole GPU, not of the part that the pod has. */
  migEnabled: flag,
});
export type GpuReading = z.infer<typeof GpuReading>;

/** Answer of `gpu.sample`. */
export const GpuSample = z.object({
  /** When nvidia-smi last said something of use; null: never. */
  sampledAt: Timestamp.nullable(),
  /** Empty until the first sample. */
  gpus: z.array(GpuReading).max(MAX_DEVICES),
  /** Why there is nothing newer, in words for people; null while the probe works. */
  problem: Text.nullable(),
});
export type GpuSample = z.infer<typeof GpuSample>;
