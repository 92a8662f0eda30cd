import { describe, expect, it } from "vitest";
import { CONFIG_NAMES, ConfigError, parseConfig } from "../../../proxy/config.ts";

const parse = (env: Record<string, string>) => parseConfig(env, () => "");
/** How long a job is kept is no wait. */
const DURATIONS = CONFIG_NAMES.filter((name) => name.endsWith("_MS") && name !== "JOB_RETENTION_MS");

describe("parseConfig()", () => {
  it.each(DURATIONS)("refuses more than seven days as %s", (name) => {
    expect(() => parse({ [name]: "604800001" })).toThrow(ConfigError);
  });

  it("keeps final jobs for 30 days, or for as long as it is told, from a second to ten years", () => {
    expect(parse({}).JOB_RETENTION_MS).toBe(30 * 86_400_000);
    expect(parse({ JOB_RETENTION_MS: "315360000000" }).JOB_RETENTION_MS).toBe(315_360_000_000);
    for (const wrong of ["999", "315360000001", "30d"]) {
      expect(() => parse({ JOB_RETENTION_MS: wrong })).toThrow(ConfigError);
    }
  });

  it("takes seven days", () => {
    expect(parse({ JOB_RUN_TIMEOUT_MS: "604800000" }).JOB_RUN_TIMEOUT_MS).toBe(604_800_000);
  });

  it("reads origins with commas between them, '*', and none", () => {
    expect(parse({}).EDGE_CORS_ORIGINS).toEqual([]);
    expect(parse({ EDGE_CORS_ORIGINS: "*" }).EDGE_CORS_ORIGINS).toBe("*");
    const origins = ["https://app.example.com", "http://localhost:5173"];
    expect(parse({ EDGE_CORS_ORIGINS: origins.join(", ") }).EDGE_CORS_ORIGINS).toEqual(origins);
  });

  it.each([
    "https://a.example/",
    "https://a.example/path",
    "a.example",
    "*,https://a.example",
    "null",
    "https://A.b",
    ",",
  ])(
    "refuses the origin %s, which no browser sends",
    (text) => {
      expect(() => parse({ EDGE_CORS_ORIGINS: text })).toThrow(/EDGE_CORS_ORIGINS/);
    },
  );
});
