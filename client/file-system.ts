/**
 * The only door to the files of this machine, opened when it is first used: a browser has none. Bundlers for browsers
 * take `file-system.browser.ts` in its place (`browser` in package.json); without one, the import itself fails there.
 */
import { noFileSystem } from "./no-file-system.ts";

async function load() {
  const [fs, files, paths, crypto] = await Promise.all([
    import("node:fs"),
    import("node:fs/promises"),
    import("node:path"),
    import("node:crypto"),
  ]);
  const { mkdir, open, rename, rm, stat } = files;
  const { createHash, randomUUID } = crypto;
  const { dirname, join } = paths;
  return { openAsBlob: fs.openAsBlob, mkdir, open, rename, rm, stat, dirname, join, createHash, randomUUID };
}

/** @throws FleetError `invalid_input` where there is no file system */
export function fileSystem(): ReturnType<typeof load> {
  return load().catch((cause: unknown) => {
    throw noFileSystem(cause);
  });
}
