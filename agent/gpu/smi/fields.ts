/**
 * What nvidia-smi is asked for. Fields come and go with drivers, and one unknown name makes the whole query fail, so the
 * wanted ones are intersected with what this nvidia-smi says that it has. Pure.
 */

/** Each field under the names it has had, the newest first. */
const WANTED = {
  index: ["index"],
  uuid: ["uuid", "gpu_uuid"],
  pciBusId: ["pci.bus_id", "gpu_bus_id"],
  name: ["name", "gpu_name"],
  driverVersion: ["driver_version", "kmd_version"],
  performanceState: ["pstate"],
  recoveryAction: ["gpu_recovery_action"],
  slowdowns: ["clocks_event_reasons.active", "clocks_throttle_reasons.active"],
  memoryTotal: ["memory.total"],
  memoryReserved: ["memory.reserved"],
  memoryUsed: ["memory.used"],
  utilization: ["utilization.gpu"],
  memoryUtilization: ["utilization.memory"],
  temperature: ["temperature.gpu"],
  temperatureMargin: ["temperature.gpu.tlimit"],
  memoryTemperature: ["temperature.memory"],
  powerDraw: ["power.draw"],
  powerLimit: ["enforced.power.limit"],
  smClock: ["clocks.sm", "clocks.current.sm"],
  smClockMax: ["clocks.max.sm"],
  eccMode: ["ecc.mode.current"],
  eccCorrected: ["ecc.errors.corrected.volatile.total"],
  eccUncorrected: ["ecc.errors.uncorrected.volatile.total"],
  sramThresholdExceeded: ["ecc.errors.uncorrected.aggregate.sram.thresholdExceeded"],
  retiredSingleBit: ["retired_pages.single_bit_ecc.count", "retired_pages.sbe"],
  retiredDoubleBit: ["retired_pages.double_bit.count", "retired_pages.dbe"],
  retirementPending: ["retired_pages.pending"],
  remappedCorrectable: ["remapped_rows.correctable", "remapped_rows.sbe"],
  remappedUncorrectable: ["remapped_rows.uncorrectable", "remapped_rows.dbe"],
  remapPending: ["remapped_rows.pending"],
  remapFailed: ["remapped_rows.failure"],
  banksWithoutSpare: ["remapped_rows.histogram.none"],
  pcieGeneration: ["pcie.link.gen.gpucurrent", "pcie.link.gen.current"],
  pcieGenerationMax: ["pcie.link.gen.max"],
  pcieWidth: ["pcie.link.width.current"],
  pcieWidthMax: ["pcie.link.width.max"],
  migMode: ["mig.mode.current"],
} as const satisfies Record<string, readonly [string, ...string[]]>;

export type FieldKey = keyof typeof WANTED;

/** One column of the query: what it means to us, and its name for this nvidia-smi. */
export interface Column {
  key: FieldKey;
  name: string;
}

export const FIELD_KEYS = Object.keys(WANTED) as readonly FieldKey[];

/** Without these a row cannot be told from another, or from garbage. */
const NEEDED: readonly FieldKey[] = ["index", "uuid"];

/** The names in `--help-query-gpu`: headings like `"clocks.current.sm" or "clocks.sm"`. */
export function parseFieldHelp(help: string): Set<string> {
  const headings = help.split(/\r?\n/).filter((line) => /^\s*"[^"]+"(?:\s+or\s+"[^"]+")*\s*$/.test(line));
  return new Set(headings.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "")));
}

/** In a fixed order; empty when the fields that tell GPUs apart are not among those available. */
export function chooseColumns(available: ReadonlySet<string>): Column[] {
  const columns = FIELD_KEYS.flatMap((key) => {
    const name = WANTED[key].find((candidate) => available.has(candidate));
    return name === undefined ? [] : [{ key, name }];
  });
  return NEEDED.every((key) => columns.some((column) => column.key === key)) ? columns : [];
}
