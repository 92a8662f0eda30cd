import { createHash } from "node:crypto";
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collectOutputs } from "../../../../agent/attempts/collect-outputs.ts";
import type { EarlyOutput, FoundOutputs } from "../../../../agent/attempts/record.ts";
import { Workspace } from "../../../../agent/attempts/workspace.ts";
import type { ComfyFile } from "../../../../agent/comfy/port.ts";
import { MAX_OUTPUTS } from "../../../../contracts/bounds.ts";
import { FakeComfyPort } from "../../../support/fake-comfy-port.ts";
import { newOrder } from "./service-bench.ts";

const { attemptId } = newOrder();
const { signal } = new AbortController();
const { api } = new FakeComfyPort();
const missing: ComfyFile[] = [];
let folder: string;
let workspace: Workspace;
let isOwnDisk = false;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cf-collect-"));
  const folders = { input: join(folder, "input"), output: join(folder, "output"), temp: join(folder, "temp") };
  for (const path of [...Object.values(folders), join(folder, "output", attemptId), join(folder, "attempts")]) {
    await mkdir(path);
  }
  workspace = new Workspace(join(folder, "attempts"), () => folders);
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const ours = (filename: string): ComfyFile => ({ nodeId: "1", filename, subfolder: attemptId, type: "output" });

async function collect(
  found: Partial<FoundOutputs>,
  from = workspace,
  more: { early?: EarlyOutput[]; until?: AbortSignal } = {},
) {
  return await collectOutputs(
    { files: [], texts: [], cachedNodes: [], ...found },
    {
      attemptId,
      workspace: from,
      api,
      folders: from.folders,
      isOwnDisk,
      early: more.early ?? [],
      onMissingTemporary: (file) => missing.push(file),
    },
    more.until ?? signal,
  );
}

const path = (name: string) => join(folder, "output", attemptId, name);

describe.each([["another's disk", false], ["our own disk", true]])("collectOutputs() from %s", (_where, isOwn) => {
  beforeEach(() => {
    isOwnDisk = isOwn;
  });

  it("names, types and hashes each file once, in ComfyUI's order", async () => {
    await writeFile(path("b.mp4"), "video");
    await writeFile(path("a.png"), "picture");
    await writeFile(join(folder, "temp", "t.webp"), "preview");
    const temp: ComfyFile = { nodeId: "2", filename: "t.webp", subfolder: "", type: "temp" };
    const outputs = await collect({ files: [ours("b.mp4"), ours("a.png"), ours("b.mp4"), temp] });
    expect(outputs.map(({ index, name, contentType, temporary }) => [index, name, contentType, temporary])).toEqual([
      [0, "b.mp4", "video/mp4", false],
      [1, "a.png", "image/png", false],
      [2, "t.webp", "image/webp", true],
    ]);
    expect(outputs[0]).toMatchObject({
      sizeBytes: 5,
      sha256: createHash("sha256").update("video").digest("hex"),
    });
  });

  it("has the bytes of small ones at hand for who asks next, under their own hash, and not of large ones", async () => {
    const large = new Uint8Array(256 * 1024 + 1);
    await writeFile(path("a.png"), "picture");
    await writeFile(path("b.png"), large);
    const [small, other] = await collect({ files: [ours("a.png"), ours("b.png")] });
    const sha256 = createHash("sha256").update("picture").digest("hex");
    expect(small?.sha256).toBe(sha256);
    expect(Buffer.from(workspace.recent.get(sha256) ?? []).toString()).toBe("picture");
    expect(other).toMatchObject({ sizeBytes: large.length, sha256: createHash("sha256").update(large).digest("hex") });
    expect(workspace.recent.get(other?.sha256 ?? "")).toBeNull();
  });

  it("keeps its own when ComfyUI's folder is cleaned, and leaves ComfyUI's other files alone", async () => {
    await writeFile(path("a.png"), "picture");
    await writeFile(join(folder, "output", "shared.png"), "shared");
    const shared: ComfyFile = { nodeId: "1", filename: "shared.png", subfolder: "", type: "output" };
    await collect({ files: [ours("a.png"), shared] });
    await writeFile(join(folder, "output", "shared.png"), "another run's");
    await workspace.cleanComfy(attemptId, { isOwnDisk });
    expect(await readFile(workspace.outputPath(attemptId, 0), "utf8")).toBe("picture");
    expect(await readFile(workspace.outputPath(attemptId, 1), "utf8")).toBe("shared");
    expect(await readdir(join(folder, "output"))).toEqual(["shared.png"]);
  });

  it("can be repeated after an interruption", async () => {
    await writeFile(path("a.png"), "picture");
    const found = { files: [ours("a.png")], texts: [{ nodeId: "9", text: "hello" }] };
    expect(await collect(found)).toEqual(await collect(found));
  });

  it("refuses what is gone, what is no file, and what lies outside ComfyUI's folder", async () => {
    await writeFile(join(folder, "secret.png"), "secret");
    await symlink(join(folder, "secret.png"), path("link.png"));
    await symlink(folder, path("folder"));
    await mkdir(path("directory.png"));
    const inFolder = { ...ours("secret.png"), subfolder: `${attemptId}/folder` };
    const escaping = { ...ours("secret.png"), subfolder: ".." };
    for (const file of [ours("gone.png"), ours("link.png"), ours("directory.png"), inFolder, escaping]) {
      await expect(collect({ files: [file] })).rejects.toMatchObject({ code: "output_missing" });
    }
  });

  it("refuses more outputs than an edge takes, with what to do, and reads none of them", async () => {
    const text = { nodeId: "9", text: "" };
    const many = { files: [ours("gone.png")], texts: Array.from({ length: MAX_OUTPUTS }, () => text) };
    await expect(collect(many)).rejects.toMatchObject({
      code: "payload_too_large",
      hint: expect.stringContaining("as one video"),
    });
  });

  it("leaves out temporary files that are gone, unless nothing else is left", async () => {
    const gone: ComfyFile = { nodeId: "2", filename: "gone.png", subfolder: "", type: "temp" };
    await writeFile(path("a.png"), "picture");
    missing.length = 0;
    const outputs = await collect({ files: [gone, ours("a.png")], texts: [{ nodeId: "9", text: "hello" }] });
    expect(outputs.map(({ index, name }) => [index, name])).toEqual([[1, "a.png"], [2, "text-9.txt"]]);
    expect(await readFile(workspace.outputPath(attemptId, 1), "utf8")).toBe("picture");
    expect(missing).toEqual([gone]);
    await expect(collect({ files: [gone] })).rejects.toMatchObject({ code: "output_missing" });
  });

  it("leaves those that were reported before the end their index, and takes them anew", async () => {
    for (const name of ["a.png", "b.png", "c.png"]) await writeFile(path(name), name);
    const found = { files: ["a.png", "b.png", "c.png"].map(ours), texts: [{ nodeId: "9", text: "hello" }] };
    const plain = await collect(found);
    const second = plain[1];
    if (second === undefined) throw new Error("nothing was collected");
    const source = JSON.stringify(["output", attemptId, "b.png"]);
    const outputs = await collect(found, workspace, {
      early: [{ source, output: { ...second, index: 0, sha256: "stale" } }],
    });
    expect(outputs.map(({ index, name }) => [index, name])).toEqual([
      [1, "a.png"],
      [0, "b.png"],
      [2, "c.png"],
      [3, "text-9.txt"],
    ]);
    expect(outputs.map((output) => ({ ...output, index: null }))).toEqual(
      plain.map((output) => ({ ...output, index: null })),
    );
    for (const { index, name } of outputs.slice(0, 3)) {
      expect(await readFile(workspace.outputPath(attemptId, index), "utf8")).toBe(name);
    }
  });

  it("writes nothing after it has thrown", async () => {
    await writeFile(path("b.png"), "picture");
    let isMade = false;
    const slow = new Workspace(join(folder, "attempts"), () => workspace.folders);
    slow.makeRoom = async (id, index) => {
      if (index === 1) await new Promise((resolve) => setTimeout(resolve, 20));
      const room = await workspace.makeRoom(id, index);
      isMade ||= index === 1;
      return room;
    };
    await expect(collect({ files: [ours("gone.png"), ours("b.png")] }, slow)).rejects.toThrow();
    expect(isMade).toBe(true);
  });

  it("takes nothing once it is to end", async () => {
    await writeFile(path("a.png"), "picture");
    const ended = AbortSignal.abort(new Error("over"));
    await expect(collect({ files: [ours("a.png")] }, workspace, { until: ended })).rejects.toThrow("over");
    expect(await readdir(join(folder, "attempts"))).toEqual([]);
  });

  it("leaves out files of the input folder", async () => {
    await writeFile(join(folder, "input", "in.png"), "input");
    expect(await collect({ files: [{ nodeId: "1", filename: "in.png", subfolder: "", type: "input" }] })).toEqual([]);
  });

  it("takes a file with two names", async () => {
    await writeFile(path("a.png"), "picture");
    await link(path("a.png"), path("b.png"));
    expect((await collect({ files: [ours("a.png"), ours("b.png")] })).length).toBe(2);
  });

  it("reads over ComfyUI's API where its folders are not on this disk", async () => {
    const remote = new Workspace(join(folder, "attempts"), () => null);
    const outputs = await collect({ files: [ours("a.png")] }, remote);
    expect(outputs).toMatchObject([{ name: "a.png", sizeBytes: "bytes of a.png".length }]);
    expect(await readFile(remote.outputPath(attemptId, 0), "utf8")).toBe("bytes of a.png");
  });

  it("makes files of texts, with names that cannot leave a folder, cut at 64 KiB between characters", async () => {
    const texts = [
      { nodeId: "../7", text: "first" },
      { nodeId: "../7", text: "second" },
      { nodeId: "8", text: "€".repeat(40_000) },
    ];
    const outputs = await collect({ texts });
    expect(outputs.map(({ name }) => name)).toEqual(["text-___7.txt", "text-___7-2.txt", "text-8.txt"]);
    expect(outputs.every(({ contentType }) => contentType === "text/plain")).toBe(true);
    const cut = await readFile(workspace.outputPath(attemptId, 2), "utf8");
    expect(outputs[2]?.sizeBytes).toBeLessThanOrEqual(65_536);
    expect(cut).toMatch(/^€+\n\[cut: 120000 bytes in all\]\n$/);
  });
});
