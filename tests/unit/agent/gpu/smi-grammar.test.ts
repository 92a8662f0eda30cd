import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOf, flagOf, maskOf, numberOf, parseCell } from "../../../../agent/gpu/smi/cell.ts";
import { failureOfLine } from "../../../../agent/gpu/smi/failure.ts";
import { chooseColumns, FIELD_KEYS, parseFieldHelp } from "../../../../agent/gpu/smi/fields.ts";
import { parseRow } from "../../../../agent/gpu/smi/parse-row.ts";
import { GpuReading } from "../../../../contracts/agent/gpu.ts";
import * as gpus from "../../../support/gpu/kinds.ts";
import { columnsOf, rowOf } from "./rows.ts";

const MIB = 1024 * 1024;
const { H100 } = gpus;

describe("parseCell()", () => {
  it.each(
    ["", " ", "N/A", "[N/A]", "[Not Supported]", "Not Supported", "[Insufficient Permissions]"]
      .concat("[Requested functionality has been deprecated]", "[A word of the next driver]"),
  )("takes '%s' for absent", (text) => {
    expect(parseCell(text)).toEqual({ is: "absent" });
  });

  it.each([
    ["[Unknown Error]", "unreadable"],
    ["Unknown Error", "unreadable"],
    ["ERR!", "unreadable"],
    ["[GPU is lost]", "lost"],
    ["GPU is lost", "lost"],
    ["[GPU requires reset]", "reset_required"],
    ["[Reset Required]", "reset_required"],
  ])("takes '%s' for a fault: %s", (text, fault) => {
    expect(parseCell(text)).toEqual({ is: "fault", fault });
  });

  it("reads numbers with and without their units, and nothing else as a number", () => {
    const read = (text: string) => numberOf(parseCell(text));
    expect(["46068", "46068 MiB", "144.97 W", "-2", "7 %", "2520 MHz", "0 us"].map(read)).toEqual(
      [46068, 46068, 144.97, -2, 7, 2520, 0],
    );
    expect(["seven", "1e3", "0x4", "1,5", "5 GiB", "--1", "[N/A]", "9".repeat(400)].map(read)).toEqual(
      Array(8).fill(null),
    );
    expect([countOf(parseCell("1.5")), countOf(parseCell("-1")), countOf(parseCell("3"))]).toEqual([null, null, 3]);
  });

  it("reads flags and masks", () => {
    const flags = ["Enabled", "Yes", "Active", "Disabled", "No", "Not Active", "Maybe", "[N/A]"];
    expect(flags.map((text) => flagOf(parseCell(text)))).toEqual([true, true, true, false, false, false, null, null]);
    const masks = ["0x0000000000000044", "44", "0xzz", "[N/A]"].map((text) => maskOf(parseCell(text)));
    expect(masks).toEqual([0x44n, null, null, null]);
  });
});

describe("chooseColumns()", () => {
  it.each(gpus.KINDS)("finds every field in the help of $name", (kind) => {
    const columns = chooseColumns(parseFieldHelp(gpus.helpOf(kind)));
    expect(columns.map(({ key }) => key)).toEqual(FIELD_KEYS);
  });

  it("leaves out what this nvidia-smi does not know, and takes another name where it has one", () => {
    const old = gpus.without(gpus.L40S, "gpu_recovery_action", "clocks_event_reasons.active", "temperature.gpu.tlimit");
    const names = chooseColumns(parseFieldHelp(gpus.helpOf(old))).map(({ name }) => name);
    expect(names).toHaveLength(FIELD_KEYS.length - 2);
    expect(names).toContain("clocks_throttle_reasons.active");
    expect(names).not.toContain("gpu_recovery_action");
  });

  it("chooses nothing when the fields that tell GPUs apart are missing, or the text is no help", () => {
    expect(chooseColumns(parseFieldHelp(gpus.helpOf(gpus.without(gpus.L40S, "uuid", "gpu_uuid"))))).toEqual([]);
    expect(chooseColumns(parseFieldHelp("NVIDIA-SMI has failed"))).toEqual([]);
    expect([...parseFieldHelp('"0: Default" means multiple contexts are allowed per device.')]).toEqual([]);
  });
});

describe("parseRow()", () => {
  it.each(gpus.KINDS)("reads the rows of $name, with and without units", (kind) => {
    for (const cells of [kind.idle, kind.load]) {
      const row = rowOf(kind, gpus.bare(cells));
      expect(row).toEqual(rowOf(kind, cells));
      expect(GpuReading.parse(row.reading)).toEqual(row.reading);
      expect(row).toMatchObject({ gone: null, unreadable: [] });
      expect(row.reading).toMatchObject({ index: 0, recoveryAction: "None", pcieWidth: 16, pcieWidthMax: 16 });
      expect(row.reading.memoryTotalBytes).toBe(Number.parseInt(kind.idle["memory.total"] ?? "", 10) * MIB);
    }
  });

  it("reads an L40S as it was recorded", () => {
    expect(rowOf(gpus.L40S, gpus.L40S.idle).reading).toEqual({
      index: 0,
      uuid: "GPU-00000000-0000-0000-0000-000000000000",
      pciBusId: "00000000:01:00.0",
      name: "NVIDIA L40S",
      driverVersion: "595.80",
      performanceState: "P0",
      recoveryAction: "None",
      slowdowns: [],
      memoryTotalBytes: 46068 * MIB,
      memoryReservedBytes: 609 * MIB,
      memoryUsedBytes: 0,
      utilizationPercent: 100,
      memoryUtilizationPercent: 9,
      temperatureC: 63,
      temperatureMarginC: 25,
      memoryTemperatureC: null,
      powerDrawW: 144.97,
      powerLimitW: 350,
      smClockMhz: 2520,
      smClockMaxMhz: 2520,
      eccEnabled: true,
      eccCorrected: 0,
      eccUncorrected: 0,
      sramThresholdExceeded: false,
      retiredPages: null,
      retirementPending: null,
      remappedRows: 0,
      remapPending: false,
      remapFailed: false,
      banksWithoutSpare: 0,
      pcieGeneration: 4,
      pcieGenerationMax: 4,
      pcieWidth: 16,
      pcieWidthMax: 16,
      migEnabled: null,
    });
  });

  it("says what a GeForce and a MIG parent do not tell", () => {
    expect(rowOf(gpus.RTX_4090, gpus.RTX_4090.load).reading).toMatchObject({
      eccEnabled: null,
      eccUncorrected: null,
      remapFailed: null,
      temperatureMarginC: null,
      sramThresholdExceeded: false,
    });
    for (const kind of [gpus.A100_MIG, gpus.H100_MIG]) {
      expect(rowOf(kind, kind.load).reading).toMatchObject({
        migEnabled: true,
        utilizationPercent: null,
        remapPending: null,
      });
    }
  });

  it("names the slowdowns of the mask", () => {
    const row = rowOf(gpus.L40S, { ...gpus.L40S.load, "clocks_event_reasons.active": "0x00000000000000e4" });
    expect(row.reading.slowdowns).toEqual([
      "sw_power_cap",
      "sw_thermal_slowdown",
      "hw_thermal_slowdown",
      "hw_power_brake",
    ]);
  });

  it("says which health fields cannot be read, and that a GPU is gone", () => {
    const unreadable = { "remapped_rows.failure": "[Unknown Error]", "power.draw": "[Unknown Error]" };
    expect(rowOf(gpus.L40S, { ...gpus.L40S.load, ...unreadable }).unreadable).toEqual(["remapped_rows.failure"]);
    const lost = Object.fromEntries(Object.keys(gpus.L40S.load).map((name) => [name, "[GPU is lost]"]));
    expect(rowOf(gpus.L40S, { ...lost, index: "0" })).toMatchObject({
      gone: "lost",
      reading: { uuid: null, index: 0 },
    });
    expect(rowOf(gpus.L40S, { ...gpus.L40S.load, "power.draw": "[GPU requires reset]" }).gone).toBe("reset_required");
  });

  it("refuses lines that are no row of the query", () => {
    const columns = chooseColumns(parseFieldHelp(gpus.helpOf(gpus.L40S)));
    const line = columns.map(({ name }) => gpus.cellOf(gpus.L40S, gpus.L40S.idle, name)).join(", ");
    expect(parseRow(line, columns)).not.toBeNull();
    const garbage = ["", "No devices were found", `${line}, more`, line.slice(0, 90), line.replaceAll("GPU-", "CPU-")];
    expect(garbage.map((text) => parseRow(text, columns))).toEqual(garbage.map(() => null));
  });
});

describe("garbage", () => {
  const columns = columnsOf(H100);
  const tokens = fc.constantFrom(
    "[N/A]",
    "[Unknown Error]",
    "[GPU is lost]",
    "0x44",
    "GPU-00000000",
    "-1",
    "1e9",
    "Yes",
    "",
  );
  const cells = fc.array(fc.oneof(tokens, fc.string()), { minLength: columns.length, maxLength: columns.length });

  it("is never a reading that the contract refuses, and never an exception", () => {
    fc.assert(fc.property(cells, (texts) => {
      const row = parseRow(["0", "GPU-00000000-0000", ...texts.slice(2)].join(", "), columns);
      if (row !== null) GpuReading.parse(row.reading);
    }));
    fc.assert(fc.property(fc.string(), (line) => {
      expect(parseRow(line, columns)).toBeNull();
      failureOfLine(line);
    }));
  });
});
