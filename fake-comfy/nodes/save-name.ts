/** Names of saved files: a prefix that may hold a folder and placeholders, and a counter that starts after the highest. */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join, normalize, resolve } from "node:path";
import { isWithin } from "../directories.ts";
import { PyError } from "../python.ts";

/** Where the next files with a prefix go. */
export interface SaveName {
  readonly folder: string;
  readonly name: string;
  /** Number of the next file, 1 or more. */
  readonly counter: number;
  /** The folder relative to the root, as output entries show it; empty for the root itself. */
  readonly subfolder: string;
}

/**
 * @param prefix `folder/name`; `%year%`, `%month%`, `%day%`, `%hour%`, `%minute%`, `%second%`, `%width%` and
 * `%height%` are filled in
 * @throws {PyError} Exception when the prefix leads out of `root`
 */
export async function nextSaveName(
  root: string,
  prefix: string,
  size: { width: number; height: number },
): Promise<SaveName> {
  const path = normalize(fillIn(prefix, size)).replace(/(.)\/$/, "$1");
  const parent = dirname(path);
  const subfolder = parent === "." ? "" : parent;
  const name = basename(path);
  const folder = join(root, subfolder);
  const absolute = subfolder.startsWith("/") ? subfolder : resolve(root, subfolder);
  if (!isWithin(root, absolute)) {
    throw new PyError(
      "Exception",
      "**** ERROR: Saving image outside the output folder is not allowed.\n" +
        ` full_output_folder: ${absolute}\n         output_dir: ${root}`,
    );
  }
  await mkdir(folder, { recursive: true });
  return { folder, name, counter: await highestCounter(folder, name) + 1, subfolder };
}

/** The number with at least five digits. */
export function counterText(counter: number): string {
  return String(counter).padStart(5, "0");
}

async function highestCounter(folder: string, name: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  let highest = 0;
  for (const file of await readdir(folder)) {
    if (!file.startsWith(`${name}_`)) continue;
    const digits = /^\d+/.exec(file.slice(name.length + 1).split(".")[0]?.split("_")[0] ?? "");
    if (digits !== null) highest = Math.max(highest, Number(digits[0]));
  }
  return highest;
}

function fillIn(prefix: string, size: { width: number; height: number }): string {
  if (!prefix.includes("%")) return prefix;
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  const values: Record<string, string> = {
    width: String(size.width),
    height: String(size.height),
    year: String(now.getFullYear()),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    second: two(now.getSeconds()),
  };
  return prefix.replace(/%(width|height|year|month|day|hour|minute|second)%/g, (_, name: string) => values[name] ?? "");
}
