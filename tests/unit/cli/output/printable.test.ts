import { describe, expect, it } from "vitest";
import { podTable } from "../../../../cli/output/pod-lines.ts";
import { printable } from "../../../../cli/output/printable.ts";
import { table } from "../../../../cli/output/table.ts";
import type { Pod } from "../../../../client/mod.ts";

describe("printable()", () => {
  it("takes away what would steer a terminal, and keeps words, tabs and line feeds", () => {
    expect(printable("a\u001b]0;title\u0007b\u001b[2Jc\rd\u009b1m")).toBe("a]0;titleb[2Jcd1m");
    expect(printable("größe\t1\nzwei")).toBe("größe\t1\nzwei");
  });
});

describe("table()", () => {
  it("makes columns as wide as their widest cell, without spaces at the end", () => {
    expect(table([["a", "bb", "c"], ["aaa", "b", ""]])).toBe("a    bb  c\naaa  b");
  });
});

describe("podTable()", () => {
  it("says of each pod how it is, when it was seen, and why it gets no work", () => {
    const pod = {
      id: "pod_1",
      name: "gpu-1",
      phase: "draining",
      slotsBusy: 1,
      slotsTotal: 1,
      capability: { comfyVersion: "0.33.0", devices: [{ name: "A100\u001b[31m" }] },
      conditions: [{ type: "ComfyReady", status: "false", message: "ComfyUI is down.\nIts last words" }],
      cordon: { reason: "new driver", drain: true },
      lastSeenAt: "2026-01-01T00:00:00.000Z",
    } as unknown as Pod;
    const [, row = ""] = podTable([pod], Date.parse("2026-01-01T00:00:02.500Z")).split("\n");
    expect(row.split(/ {2,}/)).toEqual([
      ...["gpu-1", "draining", "1/1", "0.33.0", "A100[31m", "2.5 s ago", "pod_1"],
      "cordoned (new driver); ComfyUI is down.",
    ]);
  });

  it("says nothing of a GPU that is not there, and something of one that nobody watches", () => {
    const message = "Nobody knows how the GPU is: this pod keeps its work.";
    const noteOf = (type: string, reason: string) => {
      const pod = {
        ...{ id: "pod_1", name: "gpu-1", phase: "ready", slotsBusy: 0, slotsTotal: 1, lastSeenAt: null, cordon: null },
        capability: { comfyVersion: "0.33.0", devices: [{ name: type, type }] },
        conditions: [{ type: "GpuHealthy", status: "unknown", reason, message }],
      };
      return podTable([pod as unknown as Pod], 0).split("\n")[1]?.endsWith(message);
    };
    expect(noteOf("cpu", "SmiMissing")).toBe(false);
    expect(noteOf("cuda", "SmiMissing")).toBe(true);
    expect(noteOf("cpu", "ProbeFailed")).toBe(true);
  });
});
