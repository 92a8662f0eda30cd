/** Temporary files, the next of which is opened before anybody needs it: a small output is stored in less time than that takes. */
import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

export interface TemporaryFile {
  path: string;
  file: FileHandle;
}

export interface SpareFiles {
  /** New and empty, for its taker to close and to remove. */
  take(): Promise<TemporaryFile>;
  /** Removes the one that nobody took; none is made from then on. */
  close(): Promise<void>;
}

async function make(folder: string): Promise<TemporaryFile> {
  const path = join(folder, randomUUID());
  return { path, file: await open(path, "wx", 0o600) };
}

export function createSpareFiles(folder: string): SpareFiles {
  let next: Promise<TemporaryFile> | null = null;
  let closed = false;

  return {
    async take() {
      const taken = next;
      next = closed ? null : make(folder);
      // Its taker makes one of its own then.
      next?.catch(() => undefined);
      return taken === null ? await make(folder) : await taken.catch(() => make(folder));
    },
    async close() {
      closed = true;
      const untaken = next;
      next = null;
      const spare = await untaken?.catch(() => null);
      if (!spare) return;
      await spare.file.close();
      await rm(spare.path, { force: true });
    },
  };
}
