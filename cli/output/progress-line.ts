/** Progress on standard error: one redrawn bar on a terminal, a plain line every so often elsewhere. */
import type { Progress } from "../../contracts/progress.ts";
import { progressText } from "./job-lines.ts";
import type { Terminal } from "./renderer.ts";

const BAR_WIDTH = 24;
/** Elsewhere a line for every such step of progress, and not more often than this. */
const PLAIN_STEP = 0.1;
const PLAIN_INTERVAL_MS = 200;

export interface ProgressLine {
  update(progress: Progress): void;
  /** Takes the bar off the screen, so that a line can be printed. */
  clear(): void;
}

export function createProgressLine(stderr: Terminal["stderr"], now: () => number = Date.now): ProgressLine {
  let drawn = false;
  let lastPlainMs = Number.NEGATIVE_INFINITY;
  let lastPlainValue = Number.NEGATIVE_INFINITY;
  return {
    update(progress) {
      const text = progressText(progress);
      if (stderr.isTTY) {
        const full = Math.round(progress.value * BAR_WIDTH);
        const line = `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${text}`;
        stderr.write(`\r\x1b[2K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
        drawn = true;
        return;
      }
      const moved = Math.abs(progress.value - lastPlainValue) >= PLAIN_STEP || progress.value === 1;
      if (moved && progress.value !== lastPlainValue && now() - lastPlainMs >= PLAIN_INTERVAL_MS) {
        lastPlainMs = now();
        lastPlainValue = progress.value;
        stderr.write(`${text}\n`);
      }
    },
    clear() {
      if (drawn) stderr.write("\r\x1b[2K");
      drawn = false;
    },
  };
}
