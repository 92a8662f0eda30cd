/** The settings of one server, worked out from its flags. */
import { accessSync, constants, existsSync, mkdtempSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import type { Directories } from "./directories.ts";
import { type Flags, UsageError } from "./flags.ts";

/**
 * How node outputs are kept between prompts: all while so much memory is free and else only the running prompt's, only
 * the last prompt's, the N last used, or none.
 */
export type CachePolicy = { kind: "ram"; keepFreeBytes: number } | { kind: "last" } | { kind: "lru"; size: number } | {
  kind: "none";
};

const GIB = 1024 ** 3;
/** Without `--cache-ram` outputs of earlier prompts go unless all memory is free, or this much of a large one. */
const MAX_KEEP_FREE_BYTES = 128 * GIB;

/** Everything the server is told at start. */
export interface Options {
  readonly addresses: readonly string[];
  /** 0 picks a free port. */
  readonly port: number;
  /** Port of the control API on 127.0.0.1; null = none, 0 = pick a free one. */
  readonly controlPort: number | null;
  readonly directories: Directories;
  readonly frontEndRoot: string | null;
  readonly maxBodyBytes: number;
  readonly disableMetadata: boolean;
  readonly disableApiNodes: boolean;
  readonly printServer: boolean;
  readonly logToStdout: boolean;
  readonly cache: CachePolicy;
  /** Preview frames on each progress tick; null = none, as ColorTransfer itself sends none. */
  readonly previews: "jpeg" | "png" | null;
  /** Milliseconds per progress tick whatever the picture's size; null = as long as ComfyUI takes for that size. */
  readonly stepMs: number | null;
  readonly startDelayMs: number;
  /** Plays the classes of the services: with the models they ask for, or with none; null = not at all. */
  readonly services: "models" | "classes" | null;
  /** Has the class `PartnerKeyProbe`, which is given the caller's partner key. */
  readonly partnerNode: boolean;
  /** `NAME` or `NAME=ARG`. */
  readonly faults: readonly string[];
}

/**
 * @param flags the parsed command line
 * @param tempRoot where a private base directory is made when none is given
 * @throws {UsageError} for a directory that has to exist and does not (exit 2)
 */
export function optionsFrom(flags: Flags, tempRoot: string): Options {
  const text = (name: string) => flags.values.get(name)?.[0];
  const has = (name: string) => flags.values.has(name);
  for (const name of ["front-end-root", "user-directory", "models-directory"]) checkDirectory(name, text(name));
  const listen = has("listen") ? text("listen") ?? "0.0.0.0,::" : "127.0.0.1";
  const controlPort = text("control-port");
  const stepMs = text("step-ms");
  return {
    addresses: listen.split(",").map((address) => address.trim()),
    port: Number(text("port") ?? "8188"),
    controlPort: controlPort === undefined ? null : Number(controlPort),
    directories: directoriesFrom(text, tempRoot),
    frontEndRoot: text("front-end-root") ?? null,
    maxBodyBytes: Math.round(Number(text("max-upload-size") ?? "100") * 1024 * 1024),
    disableMetadata: has("disable-metadata"),
    disableApiNodes: has("disable-api-nodes"),
    printServer: !has("dont-print-server"),
    logToStdout: has("log-stdout"),
    cache: cachePolicy(flags),
    previews: has("previews") ? (text("previews") === "png" ? "png" : "jpeg") : null,
    stepMs: stepMs === undefined ? null : Number(stepMs),
    startDelayMs: Number(text("start-delay-ms") ?? "0"),
    services: has("services") ? (text("services") === "classes" ? "classes" : "models") : null,
    partnerNode: has("partner-node"),
    faults: flags.faults,
  };
}

/**
 * ComfyUI scans `BASE/custom_nodes` unless told not to and ends with exit code 1 when it is absent.
 * Returns the missing path, or null when all is well.
 */
export function missingCustomNodes(flags: Flags): string | null {
  const base = flags.values.get("base-directory")?.[0];
  if (base === undefined || flags.values.has("disable-all-custom-nodes")) return null;
  const path = join(resolve(base), "custom_nodes");
  return existsSync(path) ? null : path;
}

function directoriesFrom(text: (name: string) => string | undefined, tempRoot: string): Directories {
  const given = text("base-directory");
  const base = given === undefined ? mkdtempSync(join(tempRoot, "fake-comfy-")) : resolve(given);
  const temp = text("temp-directory");
  return {
    base,
    input: resolve(text("input-directory") ?? join(base, "input")),
    output: resolve(text("output-directory") ?? join(base, "output")),
    temp: temp === undefined ? join(base, "temp") : join(resolve(temp), "temp"),
    models: resolve(text("models-directory") ?? join(base, "models")),
    user: resolve(text("user-directory") ?? join(base, "user")),
  };
}

function cachePolicy(flags: Flags): CachePolicy {
  if (flags.values.has("cache-none")) return { kind: "none" };
  if (flags.values.has("cache-classic") || flags.values.has("high-ram")) return { kind: "last" };
  const size = Number(flags.values.get("cache-lru")?.[0] ?? "0");
  if (size > 0) return { kind: "lru", size };
  const inactiveGb = flags.values.get("cache-ram")?.[1];
  const asked = inactiveGb === undefined ? MAX_KEEP_FREE_BYTES : Number(inactiveGb) * GIB;
  return { kind: "ram", keepFreeBytes: inactiveGb === undefined ? Math.min(asked, totalmem()) : asked };
}

function checkDirectory(flag: string, path: string | undefined): void {
  if (path === undefined) return;
  if (!existsSync(path)) throw new UsageError(`argument --${flag}: The path '${path}' does not exist.`);
  if (!statSync(path).isDirectory()) throw new UsageError(`argument --${flag}: '${path}' is not a directory.`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new UsageError(`argument --${flag}: You do not have read permissions for '${path}'.`);
  }
}
