/** What every list of the command has in common: `--limit`, `--cursor`, and the line that names the next page. */
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { EXIT } from "./output/exit-codes.ts";

export interface PageFlags {
  url?: string;
  key?: string;
  limit: number;
  cursor?: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** @param integer reads a whole number within bounds from the command line */
export function pageOptions(
  command: Command,
  integer: (minimum: number, maximum: number) => (text: string) => number,
): Command {
  return command
    .option("--limit <n>", "at most this many", integer(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option("--cursor <cursor>", "where the previous page ended");
}

/** Prints the page, or what to say of an empty first one. @returns the exit code */
export function printPage<T>(
  { render }: CliContext,
  page: { items: readonly T[]; nextCursor: string | null },
  { text, none }: { text: string; none?: string },
): number {
  const shown = page.items.length === 0 && none !== undefined ? none : text;
  const more = page.nextCursor === null ? "" : `\nMore: --cursor ${page.nextCursor}`;
  render.result(page, `${shown}${more}`);
  return EXIT.ok;
}
