import { describe, expect, it } from "vitest";
import type { JsonValue, Workflow } from "../../../../../contracts/workflow.ts";
import { parseObjectInfo } from "../../../../../proxy/jobs/object-info.ts";
import { createFileInputs } from "../../../../../proxy/jobs/file-inputs.ts";
import { type AssetPlaces, withOurAssets, withV2Assets } from "../../../../../proxy/http/v2/graph-assets.ts";
import { createManualClock } from "../../jobs/manual-clock.ts";
import { assetIdAt, uuid } from "./v2-fixture.ts";

const one = (class_type: string, inputs: Record<string, JsonValue>): Workflow => ({ "1": { class_type, inputs } });
const reference = (info: Record<string, JsonValue>): JsonValue => ({ __type: "core/ASSET", info });

/** Assets of a tenant by path, and what was asked of whom. */
function setUp(paths: Record<string, number> = {}) {
  const asked = { known: 0, paths: [] as string[][] };
  const clock = createManualClock();
  const body = {
    MyLoader: { input: { required: { picture: [["a.png"], { image_upload: true }], name: ["STRING", {}] } } },
  };
  const fileInputs = createFileInputs({
    objectInfo: {
      known: () => {
        asked.known += 1;
        return Promise.resolve([{ sha256: "x", info: parseObjectInfo(JSON.stringify(body)) }]);
      },
    },
    clock,
  });
  const places: AssetPlaces = {
    fileInputs,
    findByPaths: (found) => {
      asked.paths.push([...found]);
      return Promise.resolve(
        new Map(found.flatMap((path) => path in paths ? [[path, assetIdAt(paths[path] ?? 0)]] : [])),
      );
    },
  };
  return { asked, places, clock };
}

describe("withOurAssets", () => {
  it("takes references by UUID, in either case, with hints that say nothing", async () => {
    const { places } = setUp();
    const graph = one("LoadImage", {
      image: reference({ id: uuid(10).toUpperCase(), hash: "blake3:x", file_path: "a.png" }),
    });
    const ours = await withOurAssets(graph, places);
    expect(ours).toEqual(one("LoadImage", { image: reference({ id: assetIdAt(10) }) }));
    expect(withV2Assets(ours)).toEqual(one("LoadImage", { image: reference({ id: uuid(10) }) }));
  });

  it("takes a path for the asset that was uploaded to it, where a file is read, and leaves other words alone", async () => {
    const { places, asked } = setUp({ "in/a.png": 4, "b.png": 5 });
    const graph: Workflow = {
      "1": { class_type: "LoadImage", inputs: { image: "in/a.png", note: "b.png" } },
      "2": { class_type: "MyLoader", inputs: { picture: "b.png", name: "b.png" } },
      "3": { class_type: "LoadImage", inputs: { image: "unknown.png" } },
      "4": { class_type: "SaveImage", inputs: { filename_prefix: "b.png" } },
    };
    expect(await withOurAssets(graph, places)).toEqual({
      ...graph,
      "1": { class_type: "LoadImage", inputs: { image: reference({ id: assetIdAt(4) }), note: "b.png" } },
      "2": { class_type: "MyLoader", inputs: { picture: reference({ id: assetIdAt(5) }), name: "b.png" } },
    });
    expect(asked.paths).toEqual([["in/a.png", "b.png", "unknown.png"]]);
  });

  it("asks nobody about a graph without file names, and the bodies once in a while about others", async () => {
    const { places, asked, clock } = setUp();
    const graph = one("CLIPTextEncode", { text: "a lighthouse, 4.5 stars", link: ["2", 0], n: 1 });
    expect(await withOurAssets(graph, places)).toBe(graph);
    expect(asked).toEqual({ known: 0, paths: [] });
    for (let n = 0; n < 3; n++) await withOurAssets(one("SaveText", { name: "a.txt" }), places);
    expect(asked).toEqual({ known: 1, paths: [] });
    clock.skip(5_000);
    await withOurAssets(one("SaveText", { name: "a.txt" }), places);
    expect(asked.known).toBe(2);
  });

  it.each([[{}], [{ id: 1 }], [{ id: "x" }], [{ id: assetIdAt(1) }], [{ id: `${uuid(1)} ` }]])(
    "refuses the reference %j as missing_asset, with the node",
    async (info) => {
      await expect(withOurAssets(one("LoadImage", { image: reference(info) }), setUp().places)).rejects.toMatchObject({
        code: "missing_asset",
        details: { nodeErrors: { "1": [{ field: "image", reason: expect.stringContaining("UUID") }] } },
      });
    },
  );
});
