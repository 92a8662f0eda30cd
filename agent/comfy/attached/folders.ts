/** Where an attached ComfyUI keeps its files: below its directory, unless its command line says otherwise. */
import { join, resolve } from "node:path";
import type { ComfyFolders } from "../port.ts";

/**
 * @param directory ComfyUI's own directory on our disk; relative flags are taken from there
 * @param argv its command line, as `/system_stats` tells it
 */
export function attachedFolders(directory: string, argv: readonly string[]): ComfyFolders {
  const root = resolve(directory);
  const flag = (name: string) => {
    const value = flagValue(argv, name);
    return value === null ? null : resolve(root, value);
  };
  const base = flag("--base-directory") ?? root;
  return {
    input: flag("--input-directory") ?? join(base, "input"),
    output: flag("--output-directory") ?? join(base, "output"),
    // ComfyUI adds a folder of its own to the one it is given.
    temp: join(flag("--temp-directory") ?? base, "temp"),
  };
}

/** The last one counts, as with argparse. */
function flagValue(argv: readonly string[], name: string): string | null {
  const inline = argv.findLastIndex((arg) => arg.startsWith(`${name}=`));
  const spaced = argv.lastIndexOf(name);
  if (inline > spaced) return argv[inline]?.slice(name.length + 1) ?? null;
  return spaced < 0 ? null : argv[spaced + 1] ?? null;
}
