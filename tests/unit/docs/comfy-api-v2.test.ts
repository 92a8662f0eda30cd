import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_NAMES } from "../../../proxy/config.ts";
import { v2Codes } from "../../../proxy/http/v2/errors.ts";

const text = readFileSync("docs/comfy-api-v2.md", "utf8");
const section = (name: string) => text.split(`## ${name}\n`)[1]?.split("\n## ")[0] ?? "";

describe("docs/comfy-api-v2.md", () => {
  it("names codes that there are, each in a row with its status", () => {
    const rows = section("Errors").matchAll(/^\| ([\d, ]+) \| (.*) \|$/gm);
    const codes = v2Codes();
    let named = 0;
    for (const [, statuses = "", words = ""] of rows) {
      for (const [, code = ""] of words.matchAll(/`(\w+)`/g)) {
        named += 1;
        const found = codes.filter((one) => one.code === code).map(({ status }) => String(status));
        // A field that is wrong is 422, whatever the code's own status.
        const allowed = code === "invalid_request" ? [...found, "422"] : found;
        expect(allowed.some((status) => statuses.split(", ").includes(status)), code).toBe(true);
      }
    }
    expect(named).toBeGreaterThan(20);
  });

  it("names every setting of v2 that there is, and no other", () => {
    const named = [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)].map(([, name = ""]) => name);
    const settings = new Set([...CONFIG_NAMES, "COMFY_ROUTER_BASE_URL"]);
    expect(named.filter((name) => !settings.has(name))).toEqual([]);
    expect(CONFIG_NAMES.filter((name) => name.startsWith("V2_") && !named.includes(name))).toEqual([]);
  });
});
