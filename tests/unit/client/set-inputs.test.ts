import { describe, expect, it } from "vitest";
import { file } from "../../../client/assets.ts";
import { setInputs } from "../../../client/set-inputs.ts";
import type { Asset } from "../../../contracts/asset.ts";
import type { Workflow } from "../../../contracts/workflow.ts";

const GRAPH: Workflow = {
  "1": { class_type: "LoadImage", inputs: { image: "" }, _meta: { title: "Load Image" } },
  "2": { class_type: "SaveVideo", inputs: { format: "mp4", "format.codec": "h264" }, _meta: { title: "v1.0 out" } },
  "3": { class_type: "Text", inputs: { text: "a", seed: 1 }, _meta: { title: "Twin" } },
  "4": { class_type: "Text", inputs: { text: "b", from: ["3", 0] }, _meta: { title: "Twin" } },
};

const ASSET: Asset = {
  id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv",
  filePath: "cat.png",
  jobId: null,
  expiresAt: null,
  fileName: "cat.png",
  contentType: "image/png",
  sizeBytes: 1,
  sha256: "a".repeat(64),
  blake3: null,
  createdAt: "2026-01-01T00:00:00.000Z",
};

const noUpload = () => Promise.reject(new Error("nothing to upload"));

describe("setInputs()", () => {
  it("sets values by node id and by unique title, dots in titles and input names included", async () => {
    const values = {
      "3.text": "x",
      "3.seed": 7,
      "Load Image.image": "y",
      "2.format.codec": "av1",
      "v1.0 out.format": "webm",
    };
    const changed = await setInputs(GRAPH, values, noUpload);
    expect(changed["3"]?.inputs).toEqual({ text: "x", seed: 7 });
    expect(changed["1"]?.inputs).toEqual({ image: "y" });
    expect(changed["2"]?.inputs).toEqual({ format: "webm", "format.codec": "av1" });
    expect(GRAPH["3"]?.inputs.text).toBe("a");
  });

  it("uploads a file and refers to its asset", async () => {
    const upload = () => Promise.resolve(ASSET);
    const changed = await setInputs(GRAPH, { "1.image": file(new Blob(["x"]), "cat.png") }, upload);
    expect(changed["1"]?.inputs.image).toEqual({ __type: "core/ASSET", info: { id: ASSET.id } });
  });

  it.each([
    ["9.text", "no node has this id or title"],
    ["text", "no node has this id or title"],
    ["Twin.text", "2 nodes have this title"],
    ["3.txet", "has no input 'txet'"],
    ["constructor.x", "no node has this id or title"],
    ["3.constructor", "has no input 'constructor'"],
  ])("refuses '%s' and says what there is", async (target, reason) => {
    await expect(setInputs(GRAPH, { [target]: 1 }, noUpload)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(reason),
      hint: expect.stringMatching(/text|id/),
    });
  });
});
