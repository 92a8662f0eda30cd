/** Errors that nobody handled: they fail a run of vitest, and are no part of its JSON report. */
import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { z } from "zod";

/** Variable with the path of a run's list. */
export const UNHANDLED_PATH = "TESTS_UNHANDLED_PATH";

const Messages = z.array(z.string());

export async function writeUnhandled(path: string, messages: readonly string[]): Promise<void> {
  await writeFile(path, JSON.stringify(messages));
}

/** Empty where the run had none, or has written none. The list is gone afterwards. */
export async function readUnhandled(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const messages = Messages.parse(JSON.parse(readFileSync(path, "utf8")));
  await rm(path, { force: true });
  return messages;
}
