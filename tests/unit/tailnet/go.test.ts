import { describe, expect, it } from "vitest";
import { goEnvironment, isOlder, requireGo } from "../../support/tailnet/go.ts";

const signal = () => AbortSignal.timeout(5_000);

describe("the Go that builds tailscaled and headscale", () => {
  it.each([
    ["1.26.5", "1.26.6", true],
    ["1.26.6", "1.26.6", false],
    ["1.26.10", "1.26.6", false],
    ["1.26", "1.26.6", true],
    ["1.27", "1.26.6", false],
    ["1.26rc1", "1.26.6", true],
    ["2.0.0", "1.26.6", false],
  ])("%s with a minimum of %s is too old: %s", (version, minimum, expected) => {
    expect(isOlder(version, minimum)).toBe(expected);
  });

  it("is asked for where there is none", async () => {
    const asked = requireGo("1.26.6", { env: { PATH: "/nonexistent" }, signal: signal() });
    await expect(asked).rejects.toThrow(/there is no Go, and 1\.26\.6 or newer is needed\nHint: /);
  });

  it("builds from the committed hashes alone, whatever a person has set", () => {
    const made = { ...process.env, GOFLAGS: "-mod=mod", ...goEnvironment({ GOSUMDB: "off" }) };
    expect(made).toMatchObject({ GOSUMDB: "sum.golang.org", GOTOOLCHAIN: "local", CGO_ENABLED: "0", GOWORK: "off" });
    expect(made.GOFLAGS).toContain("-mod=readonly");
  });
});
