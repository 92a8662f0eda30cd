/**
 * `mkdir -p` that ends: Node's recursive one tries for ever where a parent exists in which nothing can be made and
 * which says "no such file", as /proc does.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Makes the folder and its missing parents, each at most once. @throws the file system's own error */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = [];
  let folder = resolve(path);
  while (!statSync(folder, { throwIfNoEntry: false }) && dirname(folder) !== folder) {
    missing.push(folder);
    folder = dirname(folder);
  }
  for (const next of missing.toReversed()) {
    try {
      mkdirSync(next, { mode });
    } catch (error) {
      if (!isFolder(next)) throw error; // else another process was faster
    }
  }
  // An existing file in its place: mkdir has the right words for it.
  if (!isFolder(path)) mkdirSync(path, { mode });
}
