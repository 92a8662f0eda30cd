import { describe, expect, it } from "vitest";
import { walkOutputs } from "../../../../../agent/comfy/wire/outputs.ts";

function file(filename: string, subfolder = "", type = "output") {
  return { filename, subfolder, type };
}

describe("walkOutputs()", () => {
  it("finds files under every key, whatever the node calls it", () => {
    const { files } = walkOutputs({
      "1": { images: [file("a_00001_.png", "jobs/1")], animated: [false] },
      "2": { gifs: [{ ...file("b.mp4"), format: "video/h264-mp4", fullpath: "/x/b.mp4" }] },
      "3": { audio: [file("c.flac")], "3d": [file("d.glb")], latents: [null, file("e.latent")] },
      "4": { a_images: [file("f.png", "", "temp")], custom: { nested: [[file("g.bin", "", "input")]] } },
    });
    expect(files.map((one) => `${one.nodeId} ${one.type} ${one.subfolder}/${one.filename}`).sort()).toEqual([
      "1 output jobs/1/a_00001_.png",
      "2 output /b.mp4",
      "3 output /c.flac",
      "3 output /d.glb",
      "3 output /e.latent",
      "4 input /g.bin",
      "4 temp /f.png",
    ]);
  });

  it("counts a file once that a node names twice, and twice when two nodes name it", () => {
    const { files } = walkOutputs({
      "1": { images: [file("a.png")], gifs: [file("a.png")] },
      "2": { images: [file("a.png")] },
    });
    expect(files.map(({ nodeId }) => nodeId)).toEqual(["1", "2"]);
  });

  it("reads texts beside files", () => {
    const walked = walkOutputs({
      "5": { text: ["one", 2, null, "two"], files: [file("x.txt")] },
      "6": { text: "three" },
    });
    expect(walked.texts).toEqual([
      { nodeId: "5", text: "one" },
      { nodeId: "5", text: "two" },
      { nodeId: "6", text: "three" },
    ]);
    expect(walked.files).toHaveLength(1);
  });

  it("moves a folder in a name to where it belongs", () => {
    expect(walkOutputs({ "1": { images: [file("sub/a.png", "jobs//1/")] } }).files)
      .toEqual([{ nodeId: "1", filename: "a.png", subfolder: "jobs/1/sub", type: "output" }]);
  });

  it("leaves out what points outside of its directory", () => {
    const evil = [
      file("../a"),
      file("a", "../b"),
      file("/etc/passwd"),
      file("a", "/etc"),
      file(".."),
      file(""),
      file("a/"),
      file("a", ".", "output"),
      file("a\0b"),
      file("a", "", "blob"),
    ];
    expect(walkOutputs({ "1": { images: evil } }).files).toEqual([]);
  });

  it("survives any other shape", () => {
    for (const odd of [undefined, null, [], "x", { "1": null }, { "1": "x" }, { "1": { images: null, a: 1 } }]) {
      expect(walkOutputs(odd)).toEqual({ files: [], texts: [] });
    }
    let deep: unknown = file("deep.png");
    for (let depth = 0; depth < 1_000; depth++) deep = [deep];
    expect(walkOutputs({ "1": { deep } }).files).toEqual([]);
  });
});
