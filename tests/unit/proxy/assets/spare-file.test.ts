import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSpareFiles } from "../../../../proxy/assets/spare-file.ts";

describe("createSpareFiles()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-spare-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("gives everybody a file of their own, however many ask at once", async () => {
    const spare = createSpareFiles(folder);
    const taken = await Promise.all(Array.from({ length: 5 }, () => spare.take()));
    expect(new Set(taken.map(({ path }) => path)).size).toBe(5);
    for (const { file } of taken) await file.close();
    await spare.close();
    expect(readdirSync(folder)).toHaveLength(5);
  });

  it("leaves nothing open or behind once it is closed", async () => {
    const spare = createSpareFiles(folder);
    await (await spare.take()).file.close();
    await spare.close();
    const last = await spare.take();
    await last.file.close();
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("takes nothing from whoever asks while it is closed", async () => {
    const spare = createSpareFiles(folder);
    await (await spare.take()).file.close();
    const closing = spare.close();
    const last = await spare.take();
    await closing;
    await last.file.write("bytes");
    await last.file.close();
    expect(existsSync(last.path)).toBe(true);
  });

  it("makes another where the next one could not be made", async () => {
    const spare = createSpareFiles(folder);
    await (await spare.take()).file.close();
    rmSync(folder, { recursive: true });
    await expect(spare.take()).resolves.toBeDefined(); // the spare itself, which was made before
    await expect(spare.take()).rejects.toMatchObject({ code: "ENOENT" });
    mkdirSync(folder);
    await (await spare.take()).file.close();
    expect(readdirSync(folder).length).toBeGreaterThan(0);
    await spare.close();
  });
});
