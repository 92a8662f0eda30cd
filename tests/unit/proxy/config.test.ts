import { describe, expect, it } from "vitest";
import { CONFIG_NAMES, ConfigError, parseConfig } from "../../../proxy/config.ts";

const parse = (env: Record<string, string>) => parseConfig(env, () => "");
const DURATIONS = CONFIG_NAMES.filter((name) => name.endsWith("_MS"));

describe("parseConfig()", () => {
  it.each(DURATIONS)("refuses more than seven days as %s", (name) => {
    expect(() => parse({ [name]: "604800001" })).toThrow(ConfigError);
  });

  it("takes seven days", () => {
    expect(parse({ JOB_RUN_TIMEOUT_MS: "604800000" }).JOB_RUN_TIMEOUT_MS).toBe(604_800_000);
  });
});
