/** What the cache answers names files of an earlier run that somebody has deleted meanwhile. */
import { rmSync } from "node:fs";
import { isJsonObject, type Json } from "../python.ts";
import { type Fault, refusesAll } from "./fault.ts";

export const staleCache: Fault = {
  name: "stale-cache",
  summary: "the files that cached nodes name are gone",
  refuses: refusesAll,
  cachedShown({ surface }, shown) {
    for (const file of filesIn(shown)) rmSync(surface.pathOf(file), { force: true });
  },
};

function filesIn(shown: Json): { filename: string; subfolder: string; type: string }[] {
  if (!isJsonObject(shown)) return [];
  return Object.values(shown).flat().flatMap((item) => {
    if (!isJsonObject(item) || typeof item["filename"] !== "string") return [];
    const subfolder = String(item["subfolder"] ?? "");
    return [{ filename: item["filename"], subfolder, type: String(item["type"]) }];
  });
}
