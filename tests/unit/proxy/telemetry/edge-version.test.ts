import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EDGE_VERSION } from "../../../../proxy/telemetry/edge-version.ts";

describe("EDGE_VERSION", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"));
    expect(EDGE_VERSION).toBe(version);
  });
});
