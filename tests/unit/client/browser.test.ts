// What the client does where there is no Node: the rest is shown in a browser by tests/browser.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fileSystem } from "../../../client/file-system.browser.ts";
import { fetchOver } from "../../../client/dial-fetch.browser.ts";
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
    const pair = (name: string) => [`client/${name}.ts`, `client/${name}.browser.ts`];
    expect(sources).toEqual([...pair("file-system"), ...pair("dial-fetch")]);
    const text = (name: string) => readFileSync(name, "utf8");
    for (const name of sources) expect(/"node:/.test(text(name)), name).toBe(!name.endsWith(".browser.ts"));
  });

  it("a client with 'dial' says that a browser opens no connections", async () => {
    await expect(fetchOver()("http://pod:8189")).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("randomId() is a version 4 UUID, another each time", () => {
    const ids = Array.from({ length: 100 }, randomId);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(100);
  });
});
