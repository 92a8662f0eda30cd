/** The log of a child of `up`: appended to, moved aside when it is large, and quoted when the child is given up. */
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { makeFolder } from "../files/make-folder.ts";

/** At a start of the child, a log over this is moved to `<path>.1`, over the one that was there. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** How much of the end is looked at for the last words. */
const TAIL_BYTES = 8 * 1024;
/** The last words of a plain log may be a headline with indented lines below it. */
const MAX_QUOTED_LINES = 6;

export interface ChildLog {
  fd: number;
  /** Where this start's own lines begin. */
  startByte: number;
}

/** The caller closes `fd`. @param maxBytes for tests */
export function openChildLog(path: string, maxBytes = MAX_LOG_BYTES): ChildLog {
  makeFolder(dirname(path));
  if (existsSync(path) && statSync(path).size > maxBytes) renameSync(path, `${path}.1`);
  const fd = openSync(path, "a", 0o600);
  return { fd, startByte: fstatSync(fd).size };
}

const LogLine = z.object({ msg: z.string(), error: z.object({ message: z.string() }).nullish() });

function told(line: string): string {
  try {
    const { msg, error } = LogLine.parse(JSON.parse(line));
    return error ? `${msg}: ${error.message}` : msg;
  } catch {
    return line;
  }
}

/** What the child said last since `startByte`, on one line; null when it said nothing. */
export function lastWords(path: string, startByte: number): string | null {
  let text: string;
  try {
    const fd = openSync(path, "r");
    try {
      const start = Math.max(startByte, fstatSync(fd).size - TAIL_BYTES);
      const buffer = Buffer.alloc(TAIL_BYTES);
      text = buffer.toString("utf8", 0, readSync(fd, buffer, 0, TAIL_BYTES, start));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null; // a log that somebody removed has nothing to say
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "").slice(-MAX_QUOTED_LINES);
  const headline = lines.findLastIndex((line) => !/^\s/.test(line));
  const words = lines.slice(Math.max(headline, 0)).map((line) => told(line).trim()).join("; ");
  return words === "" ? null : words;
}
