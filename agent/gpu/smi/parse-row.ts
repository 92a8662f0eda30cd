/** A line of `--format=csv,noheader,nounits` → the reading of one GPU, and what it failed to say. Pure. */
import type { GpuReading } from "../../../contracts/agent/gpu.ts";
import { type Cell, countOf, flagOf, maskOf, numberOf, parseCell, textOf } from "./cell.ts";
import type { Column, FieldKey } from "./fields.ts";

const MIB = 1024 * 1024;

/** Bits of `clocks_event_reasons.active`. */
const SLOWDOWNS: readonly [bit: bigint, name: string][] = [
  [0x1n, "idle"],
  [0x2n, "app_clocks"],
  [0x4n, "sw_power_cap"],
  [0x8n, "hw_slowdown"],
  [0x10n, "sync_boost"],
  [0x20n, "sw_thermal_slowdown"],
  [0x40n, "hw_thermal_slowdown"],
  [0x80n, "hw_power_brake"],
  [0x100n, "display_clock"],
];

/** Fields by which health is judged: one that the driver cannot read is a fault, where any other is only absent. */
const HEALTH_FIELDS: readonly FieldKey[] = [
  "recoveryAction",
  "eccUncorrected",
  "sramThresholdExceeded",
  "retirementPending",
  "remapPending",
  "remapFailed",
];

/** What one row says of its GPU beside the reading. */
export interface Row {
  reading: GpuReading;
  /** Names of the health fields that the driver could not read. */
  unreadable: string[];
  /** Some cell says that the GPU is gone, or that it answers only after a reset. */
  gone: "lost" | "reset_required" | null;
}

const UUID = /^(?:GPU|MIG)-[0-9a-f-]{8,}$/i;

/** Null for a line that is no row of this query. */
export function parseRow(line: string, columns: readonly Column[]): Row | null {
  const raw = line.split(",");
  if (raw.length !== columns.length) return null;
  const cells = new Map(columns.map(({ key }, at) => [key, parseCell(raw[at] ?? "")]));
  const of = (key: FieldKey): Cell => cells.get(key) ?? { is: "absent" };
  const faults = [...cells.values()].flatMap((cell) => (cell.is === "fault" ? [cell.fault] : []));
  const gone = (["lost", "reset_required"] as const).find((fault) => faults.includes(fault)) ?? null;
  const uuid = textOf(of("uuid"));
  const named = uuid !== null && UUID.test(uuid);
  // A row whose very identity cannot be read is still one where its place says so.
  if (!named && (faults.length === 0 || countOf(of("index")) === null)) return null;
  const unreadable = columns.filter(({ key }) => {
    const cell = of(key);
    return HEALTH_FIELDS.includes(key) && cell.is === "fault" && cell.fault === "unreadable";
  });
  return { reading: readingOf(of, named ? uuid : null), unreadable: unreadable.map(({ name }) => name), gone };
}

function readingOf(of: (key: FieldKey) => Cell, uuid: string | null): GpuReading {
  const mask = maskOf(of("slowdowns")) ?? 0n;
  return {
    index: countOf(of("index")),
    uuid,
    pciBusId: textOf(of("pciBusId")),
    name: textOf(of("name")),
    driverVersion: textOf(of("driverVersion")),
    performanceState: textOf(of("performanceState")),
    recoveryAction: textOf(of("recoveryAction")),
    slowdowns: SLOWDOWNS.filter(([bit]) => (mask & bit) !== 0n).map(([, name]) => name),
    memoryTotalBytes: mebibytes(of("memoryTotal")),
    memoryReservedBytes: mebibytes(of("memoryReserved")),
    memoryUsedBytes: mebibytes(of("memoryUsed")),
    utilizationPercent: numberOf(of("utilization")),
    memoryUtilizationPercent: numberOf(of("memoryUtilization")),
    temperatureC: numberOf(of("temperature")),
    temperatureMarginC: numberOf(of("temperatureMargin")),
    memoryTemperatureC: numberOf(of("memoryTemperature")),
    powerDrawW: numberOf(of("powerDraw")),
    powerLimitW: numberOf(of("powerLimit")),
    smClockMhz: numberOf(of("smClock")),
    smClockMaxMhz: numberOf(of("smClockMax")),
    eccEnabled: flagOf(of("eccMode")),
    eccCorrected: countOf(of("eccCorrected")),
    eccUncorrected: countOf(of("eccUncorrected")),
    sramThresholdExceeded: flagOf(of("sramThresholdExceeded")),
    retiredPages: sum(countOf(of("retiredSingleBit")), countOf(of("retiredDoubleBit"))),
    retirementPending: flagOf(of("retirementPending")),
    remappedRows: sum(countOf(of("remappedCorrectable")), countOf(of("remappedUncorrectable"))),
    remapPending: flagOf(of("remapPending")),
    remapFailed: flagOf(of("remapFailed")),
    banksWithoutSpare: countOf(of("banksWithoutSpare")),
    pcieGeneration: countOf(of("pcieGeneration")),
    pcieGenerationMax: countOf(of("pcieGenerationMax")),
    pcieWidth: countOf(of("pcieWidth")),
    pcieWidthMax: countOf(of("pcieWidthMax")),
    migEnabled: flagOf(of("migMode")),
  };
}

function mebibytes(cell: Cell): number | null {
  const number = numberOf(cell);
  return number === null ? null : number * MIB;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}
