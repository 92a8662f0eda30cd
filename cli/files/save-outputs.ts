/** A job's outputs into a folder; what this machine's file system refuses is said as such, not blamed on the edge. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { JobResult } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import { interruption } from "../interruption.ts";
import { freePath } from "./free-path.ts";
import { makeFolder } from "./make-folder.ts";

/** One saved output, as `--json` shows it. */
export interface SavedOutput {
  path: string;
  sha256: string;
  sizeBytes: number;
  contentType: string;
}

export interface SaveOptions {
  out: string;
  signal: AbortSignal;
  /** Of this command, for what to do. */
  command: string;
}

/** Codes of the file system; a network has others. */
const LOCAL = new Set(
  "EACCES EDQUOT EEXIST EFBIG EIO EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENOENT ENOSPC ENOTDIR EPERM EROFS".split(" "),
);

/** The file system's error in a chain of causes, or null. */
function localFault(error: unknown): Error | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string" && LOCAL.has(at.code)) return at;
  }
  return null;
}

/**
 * Looks at the folder, or at the nearest one above it that exists, before a job is run for it.
 * @throws FleetError `invalid_input`
 */
export function checkFolder(out: string): void {
  let folder = resolve(out);
  while (!statSync(folder, { throwIfNoEntry: false }) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`ENOTDIR: '${folder}' is no folder`);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new FleetError(
      "invalid_input",
      `Cannot save outputs in '${out}': ${cause instanceof Error ? cause.message : ""}`,
      {
        hint: "Choose another folder with -o.",
        cause,
      },
    );
  }
}

/** @throws FleetError `invalid_input` naming the path; `canceled` when the signal is aborted. */
export async function saveOutputs({ job, outputs }: JobResult, options: SaveOptions): Promise<SavedOutput[]> {
  const { out, signal, command } = options;
  const saved: SavedOutput[] = [];
  const kept = `Job ${job.id} succeeded and the edge keeps its outputs: '${command} jobs get ${job.id}' lists them.`;
  let path = out;
  try {
    if (outputs.length > 0) makeFolder(out);
    for (const output of outputs) {
      path = freePath(out, output.name);
      await output.save(path, signal);
      saved.push({ path, sha256: output.sha256, sizeBytes: output.sizeBytes, contentType: output.contentType });
    }
    return saved;
  } catch (error) {
    if (signal.aborted) throw interruption("save the outputs", kept);
    const fault = localFault(error);
    if (!fault) throw error;
    throw new FleetError("invalid_input", `Cannot save '${path}': ${fault.message}`, {
      hint: `${kept} Choose another folder with -o.`,
      details: { jobId: job.id, path },
      cause: error,
    });
  }
}
