import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const names = z.record(z.string(), z.string()).default({});
const Manifest = z.looseObject({ dependencies: names, devDependencies: names });
const Entry = z.looseObject({
  version: z.string().optional(),
  integrity: z.string().optional(),
  optionalDependencies: names,
  libc: z.array(z.string()).optional(),
});
const Lock = z.looseObject({ packages: z.record(z.string(), Entry) });

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8"));
}

describe("package-lock.json", () => {
  const manifest = Manifest.parse(read("package.json"));
  const { packages } = Lock.parse(read("package-lock.json"));

  // `npm run setup` installs from it and writes nothing to it, so that only this tells that it is behind.
  it("locks what package.json asks for", () => {
    const { dependencies, devDependencies } = Manifest.parse(packages[""]);
    expect({ dependencies, devDependencies }).toEqual({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect([name, packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
    }
  });

  // An npm older than 11.19 leaves some of these out, and the next newer one brings them back.
  it("has the packages of every platform, each with its hash", () => {
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies));
    const there = Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, ""));
    expect(wanted.filter((name) => !there.includes(name))).toEqual([]);
    const hashless = Object.entries(packages).filter(([path, { integrity }]) => path !== "" && integrity === undefined);
    expect(hashless).toEqual([]);
    expect(Object.values(packages).some(({ libc }) => libc?.includes("glibc"))).toBe(true);
  });
});
