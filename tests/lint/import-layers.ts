/**
 * The import rules as data and pure functions: which folder may import which, and who may import a concrete adapter.
 * Paths are relative to the repository root, with forward slashes.
 */
import { posix } from "node:path";

/** Folders that each layer may import besides itself. A folder that is not named here is no layer. */
const layers: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  client: ["contracts"],
  cli: ["client", "contracts"],
  dashboard: ["client", "contracts"],
  proxy: ["contracts"],
  agent: ["contracts"],
  "fake-comfy": [],
  tests: ["contracts", "client", "cli", "dashboard", "proxy", "agent"],
};

/** Layers whose packages are limited, because every other layer carries them. */
const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  contracts: ["zod", "@trpc/server", "superjson"],
};

const services: readonly string[] = ["proxy", "agent"];
const adapterName = /^(?:sqlite|postgres|s3|local-api|direct-transport|folder-store)(?:[-.]|$)/;

/** What an import names, as the linter's syntax tree gives it; `undefined` for a computed one. */
export type Specifier = string | undefined;

/** The first folder of a path, or "" for a file of the root. */
export function layerOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Why `from` must not import `specifier`, or `undefined` when it may. */
export function layerViolation(from: string, specifier: Specifier): string | undefined {
  const layer = layerOf(from);
  const allowed = layers[layer];
  if (allowed === undefined) return undefined;
  if (specifier === undefined) {
    return layer === "tests" ? undefined : `${layer} must not import a computed path: the layer rules cannot see it`;
  }
  if (specifier === "comfyfleet" || specifier.startsWith("comfyfleet/")) {
    return "a file of this repository imports its neighbours by relative path, not through the published package";
  }
  if (!isPath(specifier)) return packageViolation(layer, specifier);
  const target = resolveFrom(from, specifier);
  const targetLayer = layerOf(target);
  if (targetLayer === layer || allowed.includes(targetLayer)) return undefined;
  if (targetLayer === "fake-comfy" && from.startsWith("tests/unit/fake-comfy/")) return undefined;
  if (layer === "tests" && targetLayer === "") return undefined;
  return `${layer} must not import ${targetLayer === "" ? target : `${targetLayer}/`}`;
}

/** Why `from` must not import the concrete adapter that `specifier` names, or `undefined` when it may. */
export function adapterViolation(from: string, specifier: Specifier): string | undefined {
  if (specifier === undefined || !isPath(specifier) || !services.includes(layerOf(from))) return undefined;
  const target = resolveFrom(from, specifier);
  if (!isAdapter(target) || isComposition(from)) return undefined;
  const insideAdapter = isAdapter(from) && posix.dirname(from).startsWith(posix.dirname(target));
  return insideAdapter ? undefined : `only compose* and main* import the concrete adapter ${target}`;
}

/** Why `from` must not import upwards inside its service (main → compose → http → domain), or `undefined` when it may. */
export function directionViolation(from: string, specifier: Specifier): string | undefined {
  if (specifier === undefined || !isPath(specifier) || !services.includes(layerOf(from))) return undefined;
  const target = resolveFrom(from, specifier);
  if (layerOf(target) !== layerOf(from) || height(target) <= height(from)) return undefined;
  return `main imports compose, compose imports http/, http/ imports the domain folders: not the reverse, as here ${target}`;
}

function height(path: string): number {
  const [, folderOrFile = ""] = path.split("/");
  if (/^main[-.]/.test(folderOrFile)) return 4;
  // What the entry points of the two runtimes share.
  if (/^run[-.]/.test(folderOrFile)) return 3;
  if (isComposition(path)) return 2;
  return folderOrFile === "http" ? 1 : 0;
}

/** True for the file of a service that touches one kind of database, network, storage or runtime. */
export function isAdapter(path: string): boolean {
  if (!services.includes(layerOf(path))) return false;
  const name = posix.basename(path);
  if (name === "port.ts" || name.startsWith("port-") || isComposition(path)) return false;
  if (path.startsWith("proxy/runtime/") || path.startsWith("proxy/tailnet/")) return true;
  if (/\.(?:deno|node)\.ts$/.test(name)) return true;
  return path.split("/").slice(1).some((segment) => adapterName.test(segment));
}

function isComposition(path: string): boolean {
  return /^(?:compose|main)(?:[-.]|$)/.test(posix.basename(path));
}

function isPath(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(specifier);
}

function resolveFrom(from: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(from), specifier));
}

function packageViolation(layer: string, specifier: string): string | undefined {
  const packages = allowedPackages[layer];
  if (packages === undefined) return undefined;
  if (packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined;
  return `${layer} must import only ${packages.join(", ")} and itself, not ${specifier}`;
}
