/** Texts that nodes report (PreviewAny, SaveText) as small files. */
import type { ComfyText } from "../comfy/port.ts";

const MAX_TEXT_BYTES = 65_536;

export interface TextFile {
  nodeId: string;
  name: string;
  bytes: Uint8Array;
}

/** Cut to 64 KiB of UTF-8 with a last line that says so. */
function toBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= MAX_TEXT_BYTES) return bytes;
  const note = Buffer.from(`\n[cut: ${bytes.length} bytes in all]\n`, "utf8");
  let end = MAX_TEXT_BYTES - note.length;
  // Not inside a character: continuation bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return Buffer.concat([bytes.subarray(0, end), note]);
}

/** `text-<nodeId>.txt`, numbered from the second text of a node on. */
export function toTextFiles(texts: readonly ComfyText[]): TextFile[] {
  const counts = new Map<string, number>();
  return texts.map(({ nodeId, text }) => {
    const count = (counts.get(nodeId) ?? 0) + 1;
    counts.set(nodeId, count);
    const safeId = nodeId.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 100);
    return { nodeId, name: `text-${safeId}${count === 1 ? "" : `-${count}`}.txt`, bytes: toBytes(text) };
  });
}
