// What tests of partner keys share: a key, the graph of the node that is given it, and the files in which it must not be.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Workflow } from "../../contracts/workflow.ts";

export const KEY = "comfyui-0123456789abcdef-a-partner-key";

/** `digest` shows the key's hash, `print` also prints the key, `raise` fails with it. Unlike any before: nothing is cached. */
export function probeGraph(act: "digest" | "print" | "raise"): Workflow {
  return { "1": { class_type: "PartnerKeyProbe", inputs: { act, mark: crypto.randomUUID() } } };
}

/** What the node shows of a key; of none, that of an empty text. */
export function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Paths of the files below a folder that hold one of the texts. Unfinished ones may vanish meanwhile. */
export function filesWith(folder: string, texts: readonly string[]): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((path) => {
    try {
      const bytes = readFileSync(path);
      return texts.some((text) => bytes.includes(text));
    } catch {
      return false;
    }
  });
}
