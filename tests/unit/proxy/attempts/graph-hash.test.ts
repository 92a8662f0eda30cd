import { describe, expect, it } from "vitest";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { graphSha256 } from "../../../../proxy/attempts/graph-hash.ts";

const ASSETS = new Map([["asset_a", "a".repeat(64)], ["asset_b", "a".repeat(64)], ["asset_c", "c".repeat(64)]]);

function graph(change: { image?: string; prefix?: string; title?: string; width?: number } = {}): Workflow {
  return {
    "1": {
      class_type: "LoadImage",
      inputs: { image: { __type: "core/ASSET", info: { id: change.image ?? "asset_a" } }, width: change.width ?? 8 },
      ...(change.title === undefined ? {} : { _meta: { title: change.title } }),
    },
    "2": { class_type: "SaveImage", inputs: { filename_prefix: change.prefix ?? "x", images: ["1", 0] } },
  };
}

const hash = (workflow: Workflow) => graphSha256(workflow, ASSETS);

describe("graphSha256()", () => {
  it("is 64 hex digits and the same for any order of keys", () => {
    const { "1": first, "2": second } = graph();
    expect(hash(graph())).toMatch(/^[0-9a-f]{64}$/);
    expect(hash({ "2": second, "1": first } as Workflow)).toBe(hash(graph()));
  });

  it("does not change with titles, filename prefixes, or the id under which the same bytes are known", () => {
    expect(hash(graph({ title: "Load", prefix: "other", image: "asset_b" }))).toBe(hash(graph()));
  });

  it("changes with an input and with the bytes of an asset", () => {
    const hashes = [graph(), graph({ width: 9 }), graph({ image: "asset_c" }), graph({ image: "asset_unknown" })].map(
      hash,
    );
    expect(new Set(hashes).size).toBe(4);
  });
});
