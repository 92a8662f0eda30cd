/** What one row of nvidia-smi shows by itself, without memory of the rows before. Pure. */
import type { GpuReading } from "../../../contracts/agent/gpu.ts";
import type { Row } from "../smi/parse-row.ts";
import type { Finding, ReasonCode } from "./reasons.ts";

/** Degrees C left to the slowdown. */
const MARGIN_C = 2;
/** A margin of 0 or less on a GPU colder than this is a broken reading, as some H100 have it. */
const MARGIN_PLAUSIBLE_FROM_C = 60;
/** Where there is no margin. */
const HOT_C = { consumer: 90, datacentre: 87 };
const MEMORY_HOT_C = 95;
/** Share of the time in which a kernel ran, from which on clocks and link are to be at their best. */
const LOAD_PERCENT = 50;
const RETIRED_MANY = 15;
const RETIRED_LIMIT = 63;
const CONSUMER = /GeForce|TITAN/i;

/** What its findings are filed under: its UUID, else its place. */
export function gpuKey({ uuid, pciBusId, index }: GpuReading): string {
  return uuid ?? pciBusId ?? `index ${index}`;
}

export function isUnderLoad({ utilizationPercent }: GpuReading): boolean {
  return utilizationPercent !== null && utilizationPercent >= LOAD_PERCENT;
}

/** @param gpus how many GPUs the pod has */
export function findingsOf({ reading, unreadable, gone }: Row, gpus: number): Finding[] {
  const gpu = gpuKey(reading);
  const name = `GPU ${reading.index ?? "?"}${reading.name === null ? "" : ` (${reading.name})`}`;
  const found: Finding[] = [];
  const note = (code: ReasonCode, words: string) => found.push({ code, gpu, detail: `${name} ${words}` });
  if (gone === "lost") note("gpu_lost", "is lost: it has fallen off the bus.");
  if (gone === "reset_required") note("gpu_reset_required", "answers only after a reset.");
  if (unreadable.length > 0) {
    const words = `does not let the driver read ${unreadable.join(", ")}.`;
    note("health_unreadable", words);
    note("health_unreadable_lasting", words);
  }
  const advice = reading.recoveryAction === null ? null : adviceOf(reading.recoveryAction, gpus);
  if (advice !== null) note(advice, `needs recovery: the driver advises '${reading.recoveryAction}'.`);
  if (reading.remapFailed === true) note("row_remap_failed", "has no spare row for a broken one of its memory.");
  if (reading.remapPending === true) note("row_remap_pending", "replaces broken rows of its memory at the next reset.");
  if (reading.retirementPending === true) note("page_retirement_pending", "retires memory pages at the next reset.");
  if (reading.sramThresholdExceeded === true) note("sram_threshold_exceeded", "has too many errors in its SRAM.");
  if ((reading.banksWithoutSpare ?? 0) > 0) note("bank_without_spare", "has a memory bank without spare rows.");
  const retired = reading.retiredPages ?? 0;
  if (retired >= RETIRED_LIMIT) note("retired_pages_limit", `has retired ${RETIRED_LIMIT} memory pages or more.`);
  else if (retired > RETIRED_MANY) note("retired_pages_many", `has retired more than ${RETIRED_MANY} memory pages.`);
  const heat = heatOf(reading);
  if (heat !== null) note("hot", heat);
  if ((reading.memoryTemperatureC ?? 0) >= MEMORY_HOT_C) {
    note("memory_hot", `has memory of ${MEMORY_HOT_C} °C or more.`);
  }
  const { pcieWidth: width, pcieWidthMax: widest } = reading;
  // Links sleep while idle, by design.
  if (isUnderLoad(reading) && width !== null && widest !== null && width < widest) {
    note("pcie_narrow", `works on ${width} of ${widest} PCIe lanes.`);
  }
  return found;
}

/** The wording differs between drivers ("Reset", "GPU Reset Required"). */
function adviceOf(text: string, gpus: number): ReasonCode | null {
  if (/none/i.test(text)) return null;
  if (/drain/i.test(text)) {
    if (/reset/i.test(text)) return "recovery_drain_and_reset";
    return gpus > 1 ? "recovery_drain_p2p_many" : "recovery_drain_p2p";
  }
  if (/reboot/i.test(text)) return "recovery_reboot";
  return /reset/i.test(text) ? "recovery_reset" : "recovery_unrecognised";
}

function heatOf({ name, temperatureC, temperatureMarginC: marginC }: GpuReading): string | null {
  const isBroken = marginC !== null && marginC <= 0 && temperatureC !== null && temperatureC < MARGIN_PLAUSIBLE_FROM_C;
  if (marginC !== null && !isBroken) {
    return marginC <= MARGIN_C ? `is within ${MARGIN_C} °C of slowing itself down.` : null;
  }
  const limitC = CONSUMER.test(name ?? "") ? HOT_C.consumer : HOT_C.datacentre;
  return temperatureC !== null && temperatureC >= limitC ? `has ${limitC} °C or more.` : null;
}
