/** What a failure of nvidia-smi means, given whether it has ever shown a GPU. Pure. */
import type { FailureCode, ProbeFailure } from "../smi/failure.ts";
import type { Finding, ReasonCode } from "./reasons.ts";

/** With no GPU before, and with one. */
const MEANINGS: Readonly<Record<FailureCode, [never: ReasonCode, before: ReasonCode]>> = {
  // A program that was taken away says nothing of the GPU: losing it must not take down a fleet.
  smi_missing: ["smi_missing", "smi_missing"],
  library_missing: ["no_gpu", "gpus_gone"],
  no_driver: ["no_gpu", "gpus_gone"],
  no_devices: ["no_gpu", "gpus_gone"],
  not_permitted: ["not_permitted", "not_permitted"],
  nvml_unknown_error: ["nvml_unknown_error", "nvml_unknown_error"],
  blocked: ["gpu_blocked", "gpu_blocked"],
  driver_mismatch: ["driver_mismatch", "driver_mismatch"],
  gpu_lost: ["gpu_lost", "gpu_lost"],
  reset_required: ["gpu_reset_required", "gpu_reset_required"],
  power_cable: ["power_cable", "power_cable"],
  interrupt_problem: ["interrupt_problem", "interrupt_problem"],
  inforom_corrupted: ["inforom_corrupted", "inforom_corrupted"],
  hung: ["probe_hung", "probe_hung"],
  field_refused: ["probe_failed", "probe_failed"],
  failed: ["probe_failed", "probe_failed"],
};

const HINTS: Partial<Record<ReasonCode, string>> = {
  smi_missing: "Mount the NVIDIA driver's tools into the container, or name the program in AGENT_NVIDIA_SMI.",
  no_gpu: "A pod without a GPU is fine for CPU work; else start the container with its GPU and the NVIDIA runtime.",
  not_permitted: "The container may not ask the driver: look at its seccomp profile and its user mapping.",
  driver_mismatch:
    "The node's driver was changed under the container, or the image brings its own libnvidia-ml: start the container anew.",
  nvml_unknown_error: "The container has lost its GPU device, as after a reload of systemd on the node: start it anew.",
  gpus_gone: "There was a GPU before.",
};

/** @param hadGpus whether any sample has shown a GPU since the agent's start */
export function findingOf({ code, detail }: ProbeFailure, hadGpus: boolean): Finding {
  const reason = MEANINGS[code][hadGpus ? 1 : 0];
  const hint = HINTS[reason];
  const said = /[.!?]$/.test(detail) ? detail : `${detail}.`;
  return { code: reason, gpu: null, detail: hint === undefined ? said : `${said} ${hint}` };
}

/** One crash of the probe between good samples says nothing; so many in a row do. */
const FAILURES_IN_A_ROW = 3;

/** Looks in a row that must end so before it counts, beyond what the table of reasons asks. */
export function patienceWith(code: ReasonCode, hadGpus: boolean): number {
  return code === "probe_failed" && hadGpus ? FAILURES_IN_A_ROW : 1;
}
