/** Follows ComfyUI's log file: lines to a listener, and the file kept below a bound. */
import type { Clock } from "../clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { LogFile } from "./log-file.ts";
import { createLogSplitter, type LogLine } from "./log-lines.ts";

export interface LogTailOptions {
  file: LogFile;
  clock: Clock;
  logger: Logger;
  pollMs: number;
  /** The file is cut to nothing when it is longer than this and has been read. */
  maxFileBytes: number;
  /** Skips all but the last this many bytes of what stands in the file at the start. */
  catchUpBytes: number;
  onLine: (line: LogLine) => void;
}

export interface LogTail {
  /** When the file last grew, in ms since the epoch; the start of the tail before that. */
  readonly lastActivityMs: number;
  /** Reads what is there now. For the last words of a process that has just ended. */
  drain(): Promise<void>;
  /** Stops following; what is half read becomes a line. */
  stop(): Promise<void>;
}

const CHUNK_BYTES = 256 * 1024;

export function startLogTail(options: LogTailOptions): LogTail {
  const { file, clock, logger, onLine } = options;
  const splitter = createLogSplitter();
  const stopping = new AbortController();
  let offset = Math.max(0, file.sizeBytes() - options.catchUpBytes);
  let lastActivityMs = clock.now();
  let reading: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    try {
      const sizeBytes = file.sizeBytes();
      // Shorter than what was read: somebody else cut it.
      if (sizeBytes < offset) offset = 0;
      if (sizeBytes > offset) lastActivityMs = clock.now();
      while (offset < sizeBytes) {
        const bytes = await file.read(offset, CHUNK_BYTES);
        if (bytes.byteLength === 0) break;
        offset += bytes.byteLength;
        for (const line of splitter.push(bytes)) onLine(line);
      }
      if (offset > options.maxFileBytes) {
        file.cut();
        offset = 0;
      }
    } catch (error) {
      logger.warn("Cannot read ComfyUI's log", { path: file.path, error: String(error) });
    }
  }

  /** Reads never overlap: each waits for the one before. */
  function drain(): Promise<void> {
    reading = reading.then(read);
    return reading;
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      await drain();
      await clock.sleep(options.pollMs, stopping.signal);
    }
  }

  const following = follow();
  return {
    get lastActivityMs() {
      return lastActivityMs;
    },
    drain,
    async stop() {
      stopping.abort();
      await following;
      await drain();
      for (const line of splitter.flush()) onLine(line);
    },
  };
}
