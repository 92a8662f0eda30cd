/**
 * ComfyUI's log file. The child holds it open for appending (`O_APPEND`), never a pipe: a pipe whose reader has died
 * breaks the adopted ComfyUI at its next progress line. So cutting the file to nothing is safe at any time.
 */
import { copyFileSync, existsSync, openSync, renameSync, statSync, truncateSync } from "node:fs";
import { open } from "node:fs/promises";

/** One log file with its predecessor beside it (`comfyui.log`, `comfyui.log.1`). */
export interface LogFile {
  readonly path: string;
  /** Moves the old file aside and opens a new one for the child. The caller closes the descriptor. */
  begin(): number;
  /** Bytes now; 0 when there is no file. */
  sizeBytes(): number;
  /** At most `maxBytes` from `offset`. */
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Copies the file aside and empties it. What is written between the two is lost. */
  cut(): void;
}

export function createLogFile(path: string): LogFile {
  const previous = `${path}.1`;
  return {
    path,
    begin() {
      if (existsSync(path)) renameSync(path, previous);
      return openSync(path, "a", 0o600);
    },
    sizeBytes: () => statSync(path, { throwIfNoEntry: false })?.size ?? 0,
    async read(offset, maxBytes) {
      const file = await open(path, "r");
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(maxBytes), 0, maxBytes, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    cut() {
      copyFileSync(path, previous);
      truncateSync(path, 0);
    },
  };
}
