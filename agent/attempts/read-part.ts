/** A part of a file in one piece. */
import type { FileHandle } from "node:fs/promises";

/** Fewer than `lengthBytes` where the file ends before. */
export async function readPart(
  file: FileHandle,
  { start, lengthBytes }: { start: number; lengthBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(lengthBytes);
  let done = 0;
  while (done < lengthBytes) {
    const { bytesRead } = await file.read(bytes, done, lengthBytes - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
