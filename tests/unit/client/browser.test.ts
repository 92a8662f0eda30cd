// What the client does where there is no Node: the rest is shown in a browser by tests/browser.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fileSystem } from "../../../client/file-system.browser.ts";
import { randomId } from "../../../client/random-id.ts";

const Package = z.object({ browser: z.record(z.string(), z.string()) });

describe("in a browser", () => {
  it("fileSystem() says that there is none, and what to do", async () => {
    await expect(fileSystem()).rejects.toMatchObject({
      code: "invalid_input",
      hint: expect.stringContaining("bytes()"),
    });
  });

  it("bundlers are told to take the file that names no module of Node", () => {
    const { browser } = Package.parse(JSON.parse(readFileSync("package.json", "utf8")));
    const sources = Object.entries(browser).flat().map((path) => path.replace("./dist/", "").replace(/\.js$/, ".ts"));
    expect(sources).toEqual(["client/file-system.ts", "client/file-system.browser.ts"]);
    expect(readFileSync("client/file-system.ts", "utf8")).toContain('"node:fs"');
    expect(readFileSync("client/file-system.browser.ts", "utf8")).not.toContain("node:");
  });

  it("randomId() is a version 4 UUID, another each time", () => {
    const ids = Array.from({ length: 100 }, randomId);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(100);
  });
});
