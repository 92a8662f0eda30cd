/** What an edge has in its folder of assets. */
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";

/** Paths of all files, without the one empty file that waits for the next upload. @param dataDir of the fleet */
export function storedFiles(dataDir: string): string[] {
  const entries = readdirSync(join(dataDir, "edge", "assets"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const spare = files.find((path) => basename(join(path, "..")) === "tmp" && statSync(path).size === 0);
  return files.filter((path) => path !== spare).toSorted();
}
