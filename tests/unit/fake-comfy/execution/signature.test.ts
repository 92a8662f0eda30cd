import { describe, expect, it } from "vitest";
import { nodeSignature } from "../../../../fake-comfy/execution/signature.ts";
import type { Graph } from "../../../../fake-comfy/queue/prompt-queue.ts";

const none = new Map<string, string>();

function graph(change: { color?: number; ids?: [string, string]; slot?: number } = {}): Graph {
  const [source, save] = change.ids ?? ["1", "2"];
  return {
    [source]: { class_type: "EmptyImage", inputs: { width: 8, color: change.color ?? 0 } },
    [save]: { class_type: "SaveImage", inputs: { images: [source, change.slot ?? 0], filename_prefix: "x" } },
  };
}

describe("nodeSignature()", () => {
  it("nodeSignature() does not depend on node ids or the order of inputs", () => {
    const reordered = {
      "2": { class_type: "SaveImage", inputs: { filename_prefix: "x", images: ["1", 0] } },
      "1": { class_type: "EmptyImage", inputs: { color: 0, width: 8 } },
    };
    expect(nodeSignature(graph({ ids: ["a", "b"] }), "b", none)).toBe(nodeSignature(graph(), "2", none));
    expect(nodeSignature(reordered, "2", none)).toBe(nodeSignature(graph(), "2", none));
  });

  it("nodeSignature() changes with an ancestor's constant, a slot and a fingerprint", () => {
    const base = nodeSignature(graph(), "2", none);
    expect(nodeSignature(graph({ color: 1 }), "2", none)).not.toBe(base);
    expect(nodeSignature(graph({ slot: 1 }), "2", none)).not.toBe(base);
    expect(nodeSignature(graph(), "2", new Map([["1", "sha"]]))).not.toBe(base);
  });
});
