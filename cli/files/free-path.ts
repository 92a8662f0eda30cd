/** Where an output may be saved without writing over another: ComfyUI counts from 1 for every job. */
import { existsSync } from "node:fs";
import { join, parse } from "node:path";

/** `out/name.png`, else `out/name-2.png`, `out/name-3.png`, … @param name only its last part counts: it came from a pod */
export function freePath(folder: string, name: string): string {
  const { name: stem, ext } = parse(name.split(/[/\\]/).pop() || "output");
  for (let copy = 1;; copy++) {
    const path = join(folder, `${stem}${copy === 1 ? "" : `-${copy}`}${ext}`);
    if (!existsSync(path)) return path;
  }
}
