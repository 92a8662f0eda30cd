/** What `doctor` looks at on the machine where it is typed. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import { findDeno } from "../up/entry.ts";
import { type Check, failed, ok, skipped, warning } from "./check.ts";

const NEEDED_NODE = 24;
const NEEDED_DENO = [2, 9, 6] as const;
const DENO_TIMEOUT_MS = 10_000;
const GIB = 2 ** 30;
const MIN_FREE_BYTES = GIB;
const LOW_FREE_BYTES = 5 * GIB;

export function nodeCheck(version: string): Check {
  const major = Number(version.split(".")[0]);
  if (major >= NEEDED_NODE) return ok("node", `${version}`);
  return failed("node", `${version} is too old`, `Install Node ${NEEDED_NODE}, or use the one that npm installs here.`);
}

const DENO_FIX = `npm install -D deno@${NEEDED_DENO.join(".")}, or run the edge with --runtime node.`;

/** @param text what `deno --version` said; null when there is no deno */
export function denoCheck(text: string | null): Check {
  if (text === null) return warning("deno", "was not found: an edge here would run on Node", DENO_FIX);
  const parts = /^deno (\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return warning("deno", "does not say its version", DENO_FIX);
  const older = NEEDED_DENO.map((needed, at) => (parts[at] ?? 0) - needed).find((difference) => difference !== 0) ?? 0;
  const version = parts.join(".");
  if (older >= 0) return ok("deno", version);
  return warning("deno", `${version} is older than ${NEEDED_DENO.join(".")}: aborts do not reach the pods`, DENO_FIX);
}

export async function askDeno(env: Record<string, string | undefined>): Promise<string | null> {
  const deno = findDeno(env);
  if (deno === null) return null;
  try {
    const { stdout } = await promisify(execFile)(deno, ["--version"], { timeout: DENO_TIMEOUT_MS });
    return stdout;
  } catch {
    return "";
  }
}

/** @param freeBytes for this user; null when there is no such folder */
export function diskCheck(folder: string, freeBytes: number | null): Check {
  if (freeBytes === null) return skipped("disk", `there is no fleet in '${folder}' to look after`);
  const free = `${(freeBytes / GIB).toFixed(1)} GiB free in '${folder}'`;
  const fix =
    "Make room, or shorten JOB_RETENTION_MS: finished jobs and their outputs are kept for that long, uploads without expiry for ever (docs/operations.md, Retention).";
  if (freeBytes < MIN_FREE_BYTES) return failed("disk", `only ${free}`, fix);
  return freeBytes < LOW_FREE_BYTES ? warning("disk", free, fix) : ok("disk", free);
}

export async function freeBytesIn(folder: string): Promise<number | null> {
  if (!existsSync(folder)) return null;
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
