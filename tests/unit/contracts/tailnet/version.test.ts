import { describe, expect, it } from "vitest";
import { isOldTailscaled } from "../../../../contracts/tailnet/version.ts";

describe("isOldTailscaled()", () => {
  it.each(["1.98.4", "1.99", "1.80.0-t0123456-g7890", "0.200.0", "v1.98.1"])("is true of %s", (version) => {
    expect(isOldTailscaled(version)).toBe(true);
  });

  it.each([
    "1.100.0",
    "1.102.3",
    "1.102.3-t0123456-g7890",
    "2.0.0",
    "v1.100",
    "date.20260101",
    "1.9x",
    "",
    null,
    undefined,
  ])(
    "is false of %s",
    (version) => {
      expect(isOldTailscaled(version)).toBe(false);
    },
  );
});
