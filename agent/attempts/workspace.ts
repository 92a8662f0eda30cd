/** The files of attempts: collected outputs with us, staged inputs and written outputs with ComfyUI. */
import { existsSync, unlinkSync } from "node:fs";
import { mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { createRecentBytes } from "../../contracts/recent-bytes.ts";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { AttemptId } from "../../contracts/ids.ts";
import type { ComfyFile, ComfyFolders } from "../comfy/port.ts";
import { removeTree, SMALL_BYTES } from "./remove-tree.ts";

export type Kept = Pick<AttemptOutput, "index" | "sizeBytes">;

export class Workspace {
  readonly #root: string;
  readonly #folders: () => ComfyFolders | null;
  /** Outputs that were collected a moment ago, by their sha256. */
  readonly recent = createRecentBytes();

  /**
   * @param root Folder of the collected outputs, all in one: to make a folder and to remove it is what costs a file system
   * most. {@link Workspace.sweep} makes it.
   */
  constructor(root: string, folders: () => ComfyFolders | null) {
    this.#root = root;
    this.#folders = folders;
  }

  get folders(): ComfyFolders | null {
    return this.#folders();
  }

  /** Where the bytes of an output are until the attempt is released. */
  outputPath(attemptId: AttemptId, index: number): string {
    return join(this.#root, `${attemptId}.${index}`);
  }

  /** The same, with nothing there: what an interrupted collection or an earlier look has left goes. */
  async makeRoom(attemptId: AttemptId, index: number): Promise<string> {
    const path = this.outputPath(attemptId, index);
    if (existsSync(path)) await rm(path);
    return path;
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

  /**
   * ComfyUI has done with it and we have our own: its folders there may go.
   * @param isOwnDisk ComfyUI's folders are below our own state directory, and answer at once
   * @returns false where they are not known
   */
  async cleanComfy(attemptId: AttemptId, { isOwnDisk }: { isOwnDisk: boolean }): Promise<boolean> {
    const folders = this.#folders();
    if (folders === null) return false;
    for (const path of [join(folders.input, attemptId), join(folders.output, attemptId)]) {
      if (isOwnDisk) await removeTree(path);
      else await rm(path, { recursive: true, force: true });
    }
    return true;
  }

  /** Nobody fetches them any more. @param outputs all there can be; null: whatever is found */
  async removeOutputs(attemptId: AttemptId, outputs: readonly Kept[] | null): Promise<void> {
    const known = outputs?.map(({ index, sizeBytes }) => ({ path: this.outputPath(attemptId, index), sizeBytes }));
    for (const { path, sizeBytes } of known ?? await this.#find(attemptId)) {
      if (sizeBytes <= SMALL_BYTES && isUnlinked(path)) continue;
      await rm(path, { force: true });
    }
  }

  async #find(attemptId: AttemptId): Promise<{ path: string; sizeBytes: number }[]> {
    const names = await readdir(this.#root);
    const own = names.filter((name) => name.startsWith(`${attemptId}.`));
    return own.map((name) => ({ path: join(this.#root, name), sizeBytes: Infinity }));
  }

  /** Makes the folder of the collected outputs, and removes those of attempts that the journal does not hold. */
  async sweep(held: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#root)) {
      const attemptId = AttemptId.safeParse(name.split(".", 1)[0]);
      if (!attemptId.success) continue;
      if (!held.has(attemptId.data)) await this.cleanComfy(attemptId.data, { isOwnDisk: false });
      else if (name === attemptId.data) await this.#flatten(attemptId.data);
      else continue;
      await removeTree(join(this.#root, name));
    }
  }

  /** An agent of before had a folder for each attempt. */
  async #flatten(attemptId: AttemptId): Promise<void> {
    const folder = join(this.#root, attemptId);
    for (const index of await readdir(folder)) {
      await rename(join(folder, index), this.outputPath(attemptId, Number(index)));
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

function isUnlinked(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}
