/** What a run has made, one by one: where ComfyUI has it, and how it becomes a file of our own. */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import mime from "mime";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { ComfyApi, ComfyFile, ComfyFolders, ComfyText } from "../comfy/port.ts";
import { takeFromDisk, takeOverHttp } from "./output-file.ts";
import { takeSmall } from "./output-small.ts";
import { type TextFile, toTextFiles } from "./output-text.ts";
import type { Workspace } from "./workspace.ts";

/** The key is the same for the same file, whoever names it, and for the same text of a node. */
export type OutputSource = { key: string; file: ComfyFile } | { key: string; text: TextFile };

export interface TakeDeps {
  attemptId: AttemptId;
  workspace: Workspace;
  api: ComfyApi;
  /** Of the generation that ran it; null: over the API. */
  folders: ComfyFolders | null;
  /** The folder is on our own disk, and there are few of them: see {@link takeSmall}. */
  inOneGo: boolean;
  signal: AbortSignal;
}

/** Files, each once, then texts, each in ComfyUI's order. Files of its input folder are left out: no run made them. */
export function sourcesIn(made: { files: readonly ComfyFile[]; texts: readonly ComfyText[] }): OutputSource[] {
  const files = new Map<string, OutputSource>();
  for (const file of made.files) {
    const key = JSON.stringify([file.type, file.subfolder, file.filename]);
    if (file.type !== "input") files.set(key, { key, file });
  }
  const texts = toTextFiles(made.texts).map((text) => ({
    key: JSON.stringify(["text", text.nodeId, text.name]),
    text,
  }));
  return [...files.values(), ...texts];
}

/**
 * Takes it to where our own output of this index goes, in place of whatever is there.
 * @throws FleetError `output_missing` when the file is not there; file system errors as they are.
 */
export async function takeSource(source: OutputSource, index: number, deps: TakeDeps): Promise<AttemptOutput> {
  const to = await deps.workspace.makeRoom(deps.attemptId, index);
  if ("text" in source) {
    const { nodeId, name, bytes } = source.text;
    await writeFile(to, bytes, { mode: 0o600 });
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { index, nodeId, name, contentType: "text/plain", sizeBytes: bytes.length, sha256, temporary: false };
  }
  const { file } = source;
  const stored = await takeFile(file, to, deps);
  return {
    index,
    nodeId: file.nodeId,
    name: baseName(file.filename),
    contentType: mime.getType(file.filename) ?? "application/octet-stream",
    temporary: file.type === "temp",
    ...stored,
  };
}

async function takeFile(file: ComfyFile, to: string, deps: TakeDeps) {
  const { attemptId, workspace, api, folders, signal } = deps;
  const first = file.subfolder.split(/[/\\]/, 1)[0];
  const isOurs = file.type === "output" && first === attemptId;
  const request = { file, to, isOurs, recent: workspace.recent };
  if (folders === null) return await takeOverHttp(api, request, signal);
  if (isOurs && deps.inOneGo) {
    const small = takeSmall(folders, request);
    if (small !== null) return small;
  }
  return await takeFromDisk(folders, request, signal);
}

function baseName(filename: string): string {
  return filename.split(/[/\\]/).at(-1) || filename;
}
