/** What an edge has in its folder of assets. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Paths of all files. @param dataDir of the fleet */
export function storedFiles(dataDir: string): string[] {
  const entries = readdirSync(join(dataDir, "edge", "assets"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)).toSorted();
}
