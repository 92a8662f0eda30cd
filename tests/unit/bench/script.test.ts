import { describe, expect, it } from "vitest";
import { parseScript, type Script, scriptedGraph } from "../../bench/edge/script.ts";

describe("script", () => {
  it("parseScript() reads what scriptedGraph() wrote", () => {
    const scripts: Script[] = [{ kind: "file", index: 7 }, { kind: "progress", everyMs: 200, steps: 70 }];
    for (const script of scripts) expect(parseScript(scriptedGraph(script))).toEqual(script);
  });

  it("parseScript() refuses a graph of somebody else", () => {
    const graph = { "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "ComfyUI" } } };
    expect(() => parseScript(graph)).toThrow("it is no script");
  });
});
