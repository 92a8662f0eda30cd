// PyPI's x86-64 torch is built for CUDA: the loader refuses it without 2 GB of libraries that a CPU run never calls.
// This builds tiny libraries with the names, symbols and symbol versions that the wheels ask for. Every function answers
// an error code, so that torch finds no GPU.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { runCommand } from "./run-command.ts";

export type CudaStubOptions = {
  /** The venv's site-packages folder. */
  sitePackages: string;
  /** Where the `.so` files go. */
  outDir: string;
  signal: AbortSignal;
};

/** soname → symbol version ("" for none) → symbols. */
type Wanted = Map<string, Map<string, Set<string>>>;

const CUDA_SONAME = /^lib(cu|nv|nccl)/;
const CUDA_SYMBOL = /^(cu[A-Zbdfrs]|nv|nccl|__cuda|Nv)/;

/** Builds the stubs and returns their sonames (none where torch is a CPU build). */
export async function buildCudaStubs(options: CudaStubOptions): Promise<string[]> {
  const { sitePackages, outDir, signal } = options;
  const entries = await readdir(sitePackages, { recursive: true });
  const libraries = entries.filter((path) => /\.so(\.\d+)*$/.test(path));
  const present = new Set(libraries.map((path) => basename(path)));
  const wanted: Wanted = new Map();
  const unversioned = new Set<string>();
  for (const path of libraries.filter((library) => library.startsWith("torch"))) {
    const file = join(sitePackages, path);
    const missing = neededBy(await runCommand(["readelf", "-Wd", file], { signal }))
      .filter((soname) => CUDA_SONAME.test(soname) && !present.has(soname));
    if (missing.length === 0) continue;
    for (const soname of missing) if (!wanted.has(soname)) wanted.set(soname, new Map());
    const ownerOf = versionOwners(await runCommand(["readelf", "-WV", file], { signal }));
    for (
      const { symbol, version } of undefinedIn(await runCommand(["nm", "-D", "--undefined-only", file], { signal }))
    ) {
      const owner = version === undefined ? undefined : ownerOf.get(version);
      if (version === undefined) {
        if (CUDA_SYMBOL.test(symbol)) unversioned.add(symbol);
      } else if (owner !== undefined && missing.includes(owner)) {
        add(wanted, { soname: owner, version, symbol });
      }
    }
  }
  const sonames = [...wanted.keys()].sort();
  const first = sonames[0];
  if (first === undefined) return [];
  // The loader searches all loaded libraries for a symbol without a version, so that one library can hold them all.
  for (const symbol of unversioned) add(wanted, { soname: first, version: "", symbol });
  await mkdir(outDir, { recursive: true });
  for (const soname of sonames) await compile(soname, wanted.get(soname) ?? new Map(), options);
  return sonames;
}

function neededBy(dynamicSection: string): string[] {
  return [...dynamicSection.matchAll(/\(NEEDED\).*\[(.+?)\]/g)].flatMap((match) => match[1] ?? []);
}

function versionOwners(versionSection: string): Map<string, string> {
  const owners = new Map<string, string>();
  let file = "";
  for (const line of versionSection.split("\n")) {
    file = /File: (\S+)/.exec(line)?.[1] ?? file;
    const version = /Name: (\S+)\s+Flags/.exec(line)?.[1];
    if (version !== undefined) owners.set(version, file);
  }
  return owners;
}

function undefinedIn(symbolTable: string): { symbol: string; version: string | undefined }[] {
  return symbolTable.split("\n").flatMap((line) => {
    const match = /^\s*[Uw]\s+([A-Za-z_]\w*)(?:@@?(\S+))?$/.exec(line);
    return match?.[1] === undefined ? [] : [{ symbol: match[1], version: match[2] }];
  });
}

function add(wanted: Wanted, entry: { soname: string; version: string; symbol: string }): void {
  const versions = wanted.get(entry.soname) ?? new Map<string, Set<string>>();
  wanted.set(entry.soname, versions);
  const symbols = versions.get(entry.version) ?? new Set<string>();
  versions.set(entry.version, symbols.add(entry.symbol));
}

async function compile(
  soname: string,
  versions: Map<string, Set<string>>,
  { outDir, signal }: CudaStubOptions,
): Promise<void> {
  const source = join(outDir, `${soname}.c`);
  const map = join(outDir, `${soname}.map`);
  const symbols = new Set([...versions.values()].flatMap((some) => [...some]));
  // 100 is cudaErrorNoDevice.
  await writeFile(source, [...symbols].map((symbol) => `int ${symbol}(void) { return 100; }\n`).join(""));
  const named = [...versions].filter(([version]) => version !== "");
  await writeFile(
    map,
    named.map(([version, some]) => `${version} { global: ${[...some].map((symbol) => `${symbol};`).join(" ")} };\n`)
      .join(""),
  );
  const script = named.length > 0 ? [`-Wl,--version-script=${map}`] : [];
  const flags = ["-shared", "-fPIC", "-w", "-fno-builtin", `-Wl,-soname,${soname}`, ...script];
  await runCommand(["gcc", ...flags, "-o", join(outDir, soname), source], { signal });
  await rm(source);
  await rm(map);
}
