/** Everything a run made, as files of our own: hashed, named, in ComfyUI's order, each file once. */
import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import mime from "mime";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { MAX_OUTPUTS } from "../../contracts/bounds.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { ComfyApi, ComfyFile, ComfyFolders } from "../comfy/port.ts";
import { type Stored, takeFromDisk, takeOverHttp } from "./output-file.ts";
import { toTextFiles } from "./output-text.ts";
import type { FoundOutputs } from "./record.ts";
import type { Workspace } from "./workspace.ts";

const FILES_AT_ONCE = 4;

export interface CollectDeps {
  attemptId: AttemptId;
  workspace: Workspace;
  api: ComfyApi;
  /** Of the generation that ran it; null: over the API. */
  folders: ComfyFolders | null;
  /** A temporary output that is no longer there; the job's other outputs stand without it. */
  onMissingTemporary: (file: ComfyFile) => void;
}

/**
 * Writes into a fresh folder, so that an interrupted collection is simply repeated.
 * Files of ComfyUI's input folder are left out: the job did not make them. So are temporary ones that are gone, which go
 * with their ComfyUI, unless nothing would be left.
 * @throws FleetError `output_missing` when a file is not there, `payload_too_large` when there are more than an edge
 * takes; file system errors as they are.
 */
export async function collectOutputs(
  found: FoundOutputs,
  deps: CollectDeps,
  signal: AbortSignal,
): Promise<AttemptOutput[]> {
  const { attemptId, workspace, onMissingTemporary } = deps;
  const files = distinct(found.files);
  const texts = toTextFiles(found.texts);
  refuseTooMany(files.length + texts.length);
  const home = workspace.renewOutputs(attemptId);
  // Met where it is awaited.
  home.catch(() => undefined);
  const outputs: AttemptOutput[] = [];
  const missing: Missing[] = [];
  for (let first = 0; first < files.length; first += FILES_AT_ONCE) {
    signal.throwIfAborted();
    const batch = files.slice(first, first + FILES_AT_ONCE);
    const works = batch.map((file, offset) => toOutput(file, first + offset, { ...deps, home, signal }));
    const taken = await allDone(works, home);
    for (const output of taken) {
      if ("missing" in output) missing.push(output);
      else outputs.push(await moveTo(outputs.length, output, deps));
    }
  }
  await home;
  for (const { nodeId, name, bytes } of texts) {
    const index = outputs.length;
    await writeFile(workspace.outputPath(attemptId, index), bytes, { mode: 0o600 });
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const contentType = "text/plain";
    outputs.push({ index, nodeId, name, contentType, sizeBytes: bytes.length, sha256, temporary: false });
  }
  if (outputs.length === 0 && missing[0] !== undefined) throw missing[0].error;
  for (const { missing: file } of missing) onMissingTemporary(file);
  return outputs;
}

interface Missing {
  missing: ComfyFile;
  error: FleetError;
}

/** Closes the gap that a missing one before it has left. */
async function moveTo(
  index: number,
  output: AttemptOutput,
  { attemptId, workspace }: CollectDeps,
): Promise<AttemptOutput> {
  if (index === output.index) return output;
  await rename(workspace.outputPath(attemptId, output.index), workspace.outputPath(attemptId, index));
  return { ...output, index };
}

function refuseTooMany(count: number): void {
  if (count <= MAX_OUTPUTS) return;
  throw new FleetError("payload_too_large", `Cannot collect the outputs: there are ${count} of them`, {
    hint: `At most ${MAX_OUTPUTS} are kept; save frames as one video, or split the batch.`,
  });
}

/** Waits for all before it throws the first failure, so that nothing makes the folder or writes into it afterwards. */
async function allDone<T>(works: Promise<T>[], home: Promise<void>): Promise<T[]> {
  await Promise.allSettled([...works, home]);
  return await Promise.all(works);
}

async function toOutput(
  file: ComfyFile,
  index: number,
  deps: CollectDeps & { home: Promise<void>; signal: AbortSignal },
): Promise<AttemptOutput | Missing> {
  const to = deps.workspace.outputPath(deps.attemptId, index);
  let stored: Stored;
  try {
    stored = await take(file, deps, to);
  } catch (error) {
    if (file.type !== "temp" || !FleetError.is(error) || error.code !== "output_missing") throw error;
    return { missing: file, error };
  }
  return {
    index,
    nodeId: file.nodeId,
    name: baseName(file.filename),
    contentType: mime.getType(file.filename) ?? "application/octet-stream",
    temporary: file.type === "temp",
    ...stored,
  };
}

async function take(
  file: ComfyFile,
  { attemptId, api, folders, home, signal }: CollectDeps & { home: Promise<void>; signal: AbortSignal },
  to: string,
): Promise<Stored> {
  const first = file.subfolder.split(/[/\\]/, 1)[0];
  const request = { file, to, home, isOurs: file.type === "output" && first === attemptId };
  if (folders === null) return await takeOverHttp(api, request, signal);
  return await takeFromDisk(folders, request);
}

function distinct(files: readonly ComfyFile[]): ComfyFile[] {
  const made = files.filter((file) => file.type !== "input");
  const byPath = new Map(made.map((file) => [JSON.stringify([file.type, file.subfolder, file.filename]), file]));
  return [...byPath.values()];
}

function baseName(filename: string): string {
  return filename.split(/[/\\]/).at(-1) || filename;
}
