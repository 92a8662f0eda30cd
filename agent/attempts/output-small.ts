/**
 * A small output of the ComfyUI that we started, taken in one go. It was written a moment ago into our own state directory,
 * where the journal commits synchronously too: to wait for a thread at each of five steps would take ten times as long.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, linkSync, openSync, readSync, realpathSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import type { RecentBytes } from "../../contracts/recent-bytes.ts";
import type { ComfyFile, ComfyFolders } from "../comfy/port.ts";

const SMALL_BYTES = 256 * 1024;

interface Small {
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Null for whatever is not a small regular file inside its folder. */
function readSmall(folders: ComfyFolders, file: ComfyFile): Small | null {
  const folder = folders[file.type];
  try {
    const path = realpathSync.native(join(folder, file.subfolder, file.filename));
    if (!path.startsWith(realpathSync.native(folder) + sep)) return null;
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = fstatSync(descriptor);
      if (!info.isFile() || info.size > SMALL_BYTES) return null;
      const bytes = new Uint8Array(info.size);
      return readSync(descriptor, bytes) === info.size ? { path, bytes } : null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}

function isLinked(path: string, to: string): boolean {
  try {
    linkSync(path, to);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param to whose folder is there
 * @returns null for what is to be taken in the way of all others, which says what is wrong with it
 * @throws file system errors of our own file as they are
 */
export function takeSmall(
  folders: ComfyFolders,
  { file, to, recent }: { file: ComfyFile; to: string; recent: RecentBytes },
): { sizeBytes: number; sha256: string } | null {
  const small = readSmall(folders, file);
  if (small === null) return null;
  const { path, bytes } = small;
  if (!isLinked(path, to)) writeFileSync(to, bytes, { flag: "wx", mode: 0o600 });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  recent.keep(sha256, bytes);
  return { sizeBytes: bytes.length, sha256 };
}
