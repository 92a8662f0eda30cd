/** The README starts the edge on Deno with exactly the permissions that the tests and `comfyfleet up` give it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const root = resolve(import.meta.dirname, "../..");
const flagsSchema = z.object({ flags: z.array(z.string()) });

function read(path: string): string {
  return readFileSync(resolve(root, path), "utf8");
}

describe("Deno flags", () => {
  it("in the README equal those of proxy/deno-flags.json, for the default data folder", () => {
    const commands = read("README.md").replaceAll("\\\n", " ").match(/\bdeno run .*proxy\/main\.deno\.ts/g) ?? [];
    const shown = commands.map((command) => command.split(/\s+/).filter((word) => word.startsWith("--")));
    const { flags } = flagsSchema.parse(JSON.parse(read("proxy/deno-flags.json")));
    expect(shown).toEqual([flags.map((flag) => flag.replace("{dataDir}", ".comfyfleet/edge"))]);
  });
});
