import { describe, expect, it } from "vitest";
import { toTimestamp } from "../../../../contracts/ids.ts";
import { TailnetReport } from "../../../../contracts/tailnet/report.ts";
import { readSelfReport } from "../../../../proxy/tailnet/self-report.ts";

const now = toTimestamp(0);
const line = (name: string) => ({ name, status: "ok", message: "None", fix: null });

describe("readSelfReport()", () => {
  it("takes the lines that there are, without what else stands in them", () => {
    expect(readSelfReport({ now, checks: [{ ...line("other pods"), more: 1 }] })).toEqual({
      now,
      checks: [line("other pods")],
    });
  });

  it("leaves out what it cannot read and what is too many, and says so", () => {
    const checks = [
      { ...line("new"), status: "odd" },
      null,
      ...Array.from({ length: 9_000 }, (_, at) => line(`${at}`)),
    ];
    const report = readSelfReport({ now, checks });
    expect(report.checks.length).toBeLessThan(90);
    expect(report.checks.at(-1)).toMatchObject({ name: "the rest", status: "warning" });
  });

  it("keeps the words of a pod short enough for those of the edge around them", () => {
    const long = "x".repeat(65_536);
    const { checks: [first], now: at } = readSelfReport({
      now,
      checks: [{ name: long, status: "failed", message: long, fix: long }],
    });
    expect(first?.name.length).toBeLessThan(200);
    const within = { now: at, checks: [{ ...first, name: `pod gpu-1: ${first?.name}` }] };
    expect(TailnetReport.safeParse(within).success).toBe(true);
  });

  it.each([[null], [{ now, checks: {} }], [{ now: "yesterday", checks: [] }], ["ok"]])("refuses %j", (answer) => {
    expect(() => readSelfReport(answer)).toThrow();
  });
});
