/**
 * Outputs of a finished prompt: `{[nodeId]: {[key]: any[]}}` with keys, shapes and holes that every node chooses itself.
 * So every key is walked, and what looks like a file is one.
 */
import type { ComfyFile, ComfyText } from "../port.ts";
import { isRecord } from "../../../contracts/workflow.ts";

export interface WalkedOutputs {
  files: ComfyFile[];
  texts: ComfyText[];
}

/** Deeper than any node nests; a bound for foreign input. */
const MAX_DEPTH = 6;
const TYPES: readonly string[] = ["output", "temp", "input"];

/**
 * Files are objects with string `filename` and `type`; the same file named twice by one node counts once. Texts are the
 * strings under a node's key `text`. A name that points outside its directory is left out.
 */
export function walkOutputs(outputs: unknown): WalkedOutputs {
  const files: ComfyFile[] = [];
  const texts: ComfyText[] = [];
  for (const [nodeId, byKey] of Object.entries(isRecord(outputs) ? outputs : {})) {
    const found = new Map<string, ComfyFile>();
    collectFiles(byKey, { nodeId, found, depth: 0 });
    files.push(...found.values());
    if (isRecord(byKey)) texts.push(...textsOf(nodeId, byKey.text));
  }
  return { files, texts };
}

interface Walk {
  nodeId: string;
  found: Map<string, ComfyFile>;
  depth: number;
}

function collectFiles(value: unknown, walk: Walk): void {
  if (walk.depth > MAX_DEPTH || typeof value !== "object" || value === null) return;
  const file = isRecord(value) ? fileOf(walk.nodeId, value) : null;
  if (file !== null) {
    walk.found.set(`${file.type}/${file.subfolder}/${file.filename}`, file);
    return;
  }
  for (const child of Object.values(value)) collectFiles(child, { ...walk, depth: walk.depth + 1 });
}

function fileOf(nodeId: string, value: Record<string, unknown>): ComfyFile | null {
  const { filename, type, subfolder } = value;
  if (typeof filename !== "string" || typeof type !== "string" || !TYPES.includes(type)) return null;
  const folders = `${typeof subfolder === "string" ? subfolder : ""}/${filename}`.split("/").filter((part) =>
    part !== ""
  );
  const name = folders.pop();
  if (name === undefined || filename.endsWith("/")) return null;
  if (filename.startsWith("/") || (typeof subfolder === "string" && subfolder.startsWith("/"))) return null;
  if ([...folders, name].some((part) => part === ".." || part === "." || part.includes("\0"))) return null;
  return { nodeId, filename: name, subfolder: folders.join("/"), type: type as ComfyFile["type"] };
}

function textsOf(nodeId: string, value: unknown): ComfyText[] {
  if (typeof value === "string") return [{ nodeId, text: value }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((text) => typeof text === "string" ? [{ nodeId, text }] : []);
}
