/**
 * Where files lie: the input, output, temp and model directories, names with an `[output]` mark, and the one rule that
 * nothing may leave its directory.
 */
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

/** The absolute directories of one server. */
export interface Directories {
  readonly base: string;
  readonly input: string;
  readonly output: string;
  readonly temp: string;
  readonly models: string;
  /** What the page keeps, one folder for each user. */
  readonly user: string;
}

/** The directory that `type=` names in a request or an output entry; null for an unknown type. */
export function directoryByType(directories: Directories, type: string): string | null {
  switch (type) {
    case "output":
      return directories.output;
    case "temp":
      return directories.temp;
    case "input":
      return directories.input;
    default:
      return null;
  }
}

/** Splits `name [output]` into the name and its directory; the directory is null without a mark. */
export function annotatedName(directories: Directories, name: string): { name: string; directory: string | null } {
  for (const type of ["output", "input", "temp"]) {
    const mark = `[${type}]`;
    if (name.endsWith(mark)) {
      return { name: name.slice(0, -(mark.length + 1)), directory: directoryByType(directories, type) };
    }
  }
  return { name, directory: null };
}

/** The path of an input file by its (possibly marked) name, or null when it would leave its directory. */
export function inputPath(directories: Directories, marked: string): string | null {
  const { name, directory } = annotatedName(directories, marked);
  const root = directory ?? directories.input;
  const path = resolve(root, name);
  return isWithin(root, path) ? path : null;
}

/** True when `target`, symbolic links resolved, lies in `directory` or is it. */
export function isWithin(directory: string, target: string): boolean {
  if (target.includes("\0")) return false;
  return isLexicallyWithin(realPath(directory), realPath(target));
}

/** The same by spelling alone, links not resolved. */
export function isLexicallyWithin(directory: string, target: string): boolean {
  const path = relative(directory, target);
  return path === "" || (path !== ".." && !path.startsWith(`..${sep}`) && resolve(directory, path) === target);
}

/** Resolves links in the part of the path that exists. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}
