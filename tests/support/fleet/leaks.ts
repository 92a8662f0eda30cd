/** What no answer to a caller may contain: stack frames, paths of this machine, names of our source files. */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TRACES = [/\bat (async )?[\w.<>#]+ \(/, /\.[mc]?[jt]s:\d+/, /node_modules/, /file:\/\//, /"stack"/, /sqlite/i];

/** The parts of the text that a caller should not see. */
export function leaksOf(text: string, dataDir: string): string[] {
  const found = TRACES.flatMap((trace) => trace.exec(text)?.[0] ?? []);
  return [...found, ...[ROOT, dataDir].filter((path) => text.includes(path))];
}
