/** Everything a run made, as files of our own: hashed, named, in ComfyUI's order, each file once. */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import mime from "mime";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { MAX_OUTPUTS } from "../../contracts/bounds.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { ComfyApi, ComfyFile } from "../comfy/port.ts";
import { type Stored, takeFromDisk, takeOverHttp } from "./output-file.ts";
import { toTextFiles } from "./output-text.ts";
import type { FoundOutputs } from "./record.ts";
import type { Workspace } from "./workspace.ts";

const FILES_AT_ONCE = 4;

/**
 * Writes into a fresh folder, so that an interrupted collection is simply repeated.
 * Files of ComfyUI's input folder are left out: the job did not make them.
 * @throws FleetError `output_missing` when a file is not there, `payload_too_large` when there are more than an edge
 * takes; file system errors as they are.
 */
export async function collectOutputs(
  found: FoundOutputs,
  deps: { attemptId: AttemptId; workspace: Workspace; api: ComfyApi },
  signal: AbortSignal,
): Promise<AttemptOutput[]> {
  const { attemptId, workspace } = deps;
  const files = distinct(found.files);
  const texts = toTextFiles(found.texts);
  refuseTooMany(files.length + texts.length);
  await workspace.renewOutputs(attemptId);
  const outputs: AttemptOutput[] = [];
  for (let first = 0; first < files.length; first += FILES_AT_ONCE) {
    signal.throwIfAborted();
    const batch = files.slice(first, first + FILES_AT_ONCE);
    outputs.push(...await allDone(batch.map((file, offset) => toOutput(file, first + offset, { ...deps, signal }))));
  }
  for (const { nodeId, name, bytes } of texts) {
    const index = outputs.length;
    await writeFile(workspace.outputPath(attemptId, index), bytes, { mode: 0o600 });
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const contentType = "text/plain";
    outputs.push({ index, nodeId, name, contentType, sizeBytes: bytes.length, sha256, temporary: false });
  }
  return outputs;
}

function refuseTooMany(count: number): void {
  if (count <= MAX_OUTPUTS) return;
  throw new FleetError("payload_too_large", `Cannot collect the outputs: there are ${count} of them`, {
    hint: `At most ${MAX_OUTPUTS} are kept; save frames as one video, or split the batch.`,
  });
}

/** Waits for all before it throws the first failure, so that nothing writes into the folder afterwards. */
async function allDone<T>(works: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

async function toOutput(
  file: ComfyFile,
  index: number,
  deps: { attemptId: AttemptId; workspace: Workspace; api: ComfyApi; signal: AbortSignal },
): Promise<AttemptOutput> {
  const to = deps.workspace.outputPath(deps.attemptId, index);
  const stored = await take(file, deps, { to, signal: deps.signal });
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
  deps: { attemptId: AttemptId; workspace: Workspace; api: ComfyApi },
  options: { to: string; signal: AbortSignal },
): Promise<Stored> {
  const first = file.subfolder.split(/[/\\]/, 1)[0];
  const request = { file, to: options.to, isOurs: file.type === "output" && first === deps.attemptId };
  const { folders } = deps.workspace;
  if (folders === null) return await takeOverHttp(deps.api, request, options.signal);
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
