/** A part of a file as a web stream that opens the file when it is first read and closes it when it ends or is canceled. */
import { type FileHandle, open } from "node:fs/promises";

const CHUNK_BYTES = 256 * 1024;

/**
 * `range` is inclusive at both ends; an `end` before `start` is an empty stream. Errors when the file is shorter than the
 * range, so that a cut file is never taken for a whole one. A stream that nobody reads holds nothing open.
 */
export function readFileStream(path: string, range: { start: number; end: number }): ReadableStream<Uint8Array> {
  let file: FileHandle | null = null;
  let position = range.start;

  const close = async (): Promise<void> => {
    const closing = file;
    file = null;
    await closing?.close();
  };

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const left = range.end + 1 - position;
      if (left <= 0) {
        await close();
        controller.close();
        return;
      }
      try {
        file ??= await open(path, "r");
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
        const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
        if (bytesRead === 0) throw new Error(`Cannot read ${path}: it ends before byte ${range.end}`);
        position += bytesRead;
        controller.enqueue(chunk.subarray(0, bytesRead));
      } catch (error) {
        await close();
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
