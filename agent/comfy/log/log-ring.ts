/** The last lines of ComfyUI's log, for messages that people read. */
import type { LogLine } from "./log-lines.ts";

export interface LogRing {
  add(line: LogLine): void;
  /** The newest `count` lines, oldest first. */
  last(count: number): string[];
}

export function createLogRing(capacity: number): LogRing {
  let lines: LogLine[] = [];
  return {
    add(line) {
      // A progress bar is one line, however often it was drawn.
      if (lines.at(-1)?.transient) lines.pop();
      lines.push(line);
      if (lines.length > capacity) lines = lines.slice(-capacity);
    },
    last: (count) => lines.slice(-count).map((line) => line.text),
  };
}
