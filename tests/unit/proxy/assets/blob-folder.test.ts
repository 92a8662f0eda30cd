import { mkdtempSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { createFolderOpener } from "../../../../proxy/assets/blob-folder.ts";

const root = mkdtempSync(join(tmpdir(), "comfyfleet-folders-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Counts the syncs of every folder opened in this process while `work` runs. */
async function syncsOf(work: () => Promise<void>): Promise<number> {
  const probe = await open(root, "r");
  const handles = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { sync } = handles;
  let count = 0;
  handles.sync = function counted(this: FileHandle) {
    count += 1;
    return sync.call(this);
  };
  try {
    await work();
  } finally {
    handles.sync = sync;
  }
  return count;
}

/** What a blob that stays does with its folder. */
const putInto = (openFolder: ReturnType<typeof createFolderOpener>, path: string) => async () => {
  const folder = await openFolder(path);
  await folder.sync();
  await folder.close();
};

it("syncs a folder's parents with the first blob that stays, whoever has made the folder, and once", async () => {
  const path = join(root, "tenant", "ab");
  const made = await createFolderOpener(root)(path);
  // Its blob never came: nothing of it was synced.
  await made.close();
  const put = putInto(createFolderOpener(root), path);
  expect(await syncsOf(put)).toBe(3);
  expect(await syncsOf(put)).toBe(1);
});

it("makes a folder as often as it is gone, and syncs its parents each time that it was made", async () => {
  const path = join(root, "tenant", "cd");
  const put = putInto(createFolderOpener(root), path);
  expect(await syncsOf(put)).toBe(3);
  rmSync(path, { recursive: true });
  expect(await syncsOf(put)).toBe(3);
  expect(statSync(path).isDirectory()).toBe(true);
});
