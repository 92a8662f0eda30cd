import { describe, expect, it } from "vitest";
import { pathCondition } from "../../../../proxy/tailnet/path-condition.ts";

const message = (latencyMs: number | null) => pathCondition({ kind: "direct", relay: null, latencyMs }).message;

describe("pathCondition()", () => {
  it.each<[number, string]>([
    [0, "less than 1 ms"],
    [0.3, "less than 1 ms"],
    [1.3, "about 1 ms"],
    [1.6, "about 2 ms"],
    [22, "about 16 ms"],
    [23, "about 32 ms"],
    [240, "about 256 ms"],
  ])("says of a direct path of %s ms: %s", (latencyMs, words) => {
    expect(message(latencyMs)).toBe(`Packets go straight to the pod, there and back in ${words}.`);
  });

  it("is the same at every ping of a path that is as it was", () => {
    expect(new Set([12, 14.2, 15, 18.9, 21].map(message)).size).toBe(1);
  });

  it("names the relay, and what is not known", () => {
    expect(pathCondition({ kind: "relay", relay: "fra", latencyMs: 80 })).toMatchObject({
      status: "false",
      reason: "Relayed",
      message: "Packets go through the relay 'fra', there and back in about 64 ms, which is slower than a direct path.",
    });
    expect(message(null)).toBe("Packets go straight to the pod.");
    expect(pathCondition({ kind: "unknown", relay: null, latencyMs: null })).toMatchObject({ status: "unknown" });
  });
});
