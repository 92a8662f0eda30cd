/** Log lines that are made and written a moment later, together, so that nobody's request waits for them. */

export interface LateLines {
  /** @param line is called when it is written */
  add(line: () => string): void;
  /** Writes what is there, now: before a line that must not be lost, and before the process ends. */
  flush(): void;
}

/** Within it come the lines of one piece of work; a process that crashes loses no more than these. */
const LATE_MS = 5;

/** None where it cannot be made: a line never ends the work it is about. */
function makeOne(line: () => string): string[] {
  try {
    return [line()];
  } catch (error) {
    return [JSON.stringify({ level: "error", msg: "a log line could not be made", error: String(error) })];
  }
}

/** @param write gets lines joined by line breaks, without a last one */
export function createLateLines(write: (lines: string) => void): LateLines {
  let waiting: (() => string)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const lines = waiting;
    waiting = [];
    const made = lines.flatMap(makeOne);
    if (made.length === 0) return;
    try {
      write(made.join("\n"));
    } catch {
      // Nobody reads the log any more, or not now: no reason to end the process that it tells of.
    }
  };
  return {
    add(line) {
      waiting.push(line);
      timer ??= setTimeout(flush, LATE_MS);
    },
    flush,
  };
}
