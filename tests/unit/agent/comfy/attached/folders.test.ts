import { describe, expect, it } from "vitest";
import { attachedFolders } from "../../../../../agent/comfy/attached/folders.ts";

describe("attachedFolders()", () => {
  it("takes ComfyUI's defaults below its directory", () => {
    expect(attachedFolders("/comfy", ["main.py", "--cpu"]))
      .toEqual({ input: "/comfy/input", output: "/comfy/output", temp: "/comfy/temp" });
  });

  it("follows the flags of its command line, the last one counting", () => {
    const argv = ["main.py", "--base-directory", "/base", "--output-directory", "/a", "--output-directory=out"];
    expect(attachedFolders("/comfy", [...argv, "--temp-directory", "/t"]))
      .toEqual({ input: "/base/input", output: "/comfy/out", temp: "/t/temp" });
  });
});
