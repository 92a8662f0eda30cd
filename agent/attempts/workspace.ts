/** The folders of one attempt: its collected outputs with us, its staged inputs and written outputs with ComfyUI. */
import { mkdirSync } from "node:fs";
import { mkdir, readdir, realpath, rm } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { createRecentBytes } from "../../contracts/recent-bytes.ts";
import { AttemptId } from "../../contracts/ids.ts";
import type { ComfyFile, ComfyFolders } from "../comfy/port.ts";
import { removeTree } from "./remove-tree.ts";

export class Workspace {
  readonly #root: string;
  readonly #folders: () => ComfyFolders | null;
  /** Outputs that were collected a moment ago, by their sha256. */
  readonly recent = createRecentBytes();

  /** @param root Folder of the collected outputs, one folder per attempt in it. */
  constructor(root: string, folders: () => ComfyFolders | null) {
    this.#root = root;
    this.#folders = folders;
  }

  get folders(): ComfyFolders | null {
    return this.#folders();
  }

  /** Where the bytes of an output are until the attempt is released. */
  outputPath(attemptId: AttemptId, index: number): string {
    return join(this.#root, attemptId, String(index));
  }

  /** A folder for the outputs, with what is in it. */
  async makeOutputs(attemptId: AttemptId): Promise<void> {
    await mkdir(join(this.#root, attemptId), { recursive: true, mode: 0o700 });
  }

  /** An empty folder for the outputs, whatever an interrupted collection left in it. */
  async renewOutputs(attemptId: AttemptId): Promise<void> {
    const path = join(this.#root, attemptId);
    // Undefined: it was there already. Synchronous, as the journal on the same disk is: every job's result waits for it.
    if (mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined) return;
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { mode: 0o700 });
  }

  /** Of a ComfyUI that nobody else uses: outputs that nodes have put beside the attempt's folder. We have our own. */
  async removeStrays(attemptId: AttemptId, files: readonly ComfyFile[]): Promise<void> {
    const folders = this.#folders();
    if (folders === null) return;
    for (const file of files) {
      const isStray = file.type === "output" && file.subfolder.split(/[/\\]/, 1)[0] !== attemptId;
      if (isStray) await removeInside(folders.output, file);
    }
  }

  /** ComfyUI has done with it and we have our own: its folders there may go. */
  async cleanComfy(attemptId: AttemptId): Promise<void> {
    const folders = this.#folders();
    if (folders === null) return;
    await removeTree(join(folders.input, attemptId));
    await removeTree(join(folders.output, attemptId));
  }

  /** Nobody fetches them any more. */
  async removeOutputs(attemptId: AttemptId): Promise<void> {
    await removeTree(join(this.#root, attemptId));
  }

  /** Removes folders of attempts that the journal does not hold. */
  async sweep(held: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#root)) {
      const attemptId = AttemptId.safeParse(name);
      if (!attemptId.success || held.has(name)) continue;
      await this.cleanComfy(attemptId.data);
      await this.removeOutputs(attemptId.data);
    }
  }
}

/** Leaves alone what lies outside the folder, and what a link in it points to. */
async function removeInside(folder: string, { subfolder, filename }: ComfyFile): Promise<void> {
  const path = join(folder, subfolder, filename);
  const [root, parent] = await Promise.all([realpath(folder), realpath(dirname(path))]).catch(() => ["", null]);
  if (parent === null || (parent !== root && !parent.startsWith(root + sep))) return;
  await rm(path, { force: true });
}
