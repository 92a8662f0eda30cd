import { describe, expect, it } from "vitest";
import { parseMessage } from "../../../../../agent/comfy/wire/parse-message.ts";

const P = "11111111-2222-4333-8444-555555555555";

function parse(type: string, data?: unknown) {
  return parseMessage(JSON.stringify({ type, data }));
}

describe("parseMessage()", () => {
  it("reads one run in ComfyUI's order", () => {
    const frames = [
      parse("status", { status: { exec_info: { queue_remaining: 1 } }, sid: "a" }),
      parse("execution_start", { prompt_id: P, timestamp: 1 }),
      parse("execution_cached", { nodes: ["1", "2"], prompt_id: P, timestamp: 1 }),
      parse("executing", { node: "3", display_node: "3", prompt_id: P }),
      parse("progress", { value: 1, max: 60, prompt_id: P, node: "3" }),
      parse("executed", { node: "3", display_node: "3", output: null, prompt_id: P }),
      parse("execution_success", { prompt_id: P, timestamp: 1 }),
      parse("executing", { node: null, prompt_id: P }),
    ];
    expect(frames).toEqual([
      { type: "status", queueRemaining: 1 },
      { type: "started", promptId: P },
      { type: "cached", promptId: P, nodes: ["1", "2"] },
      { type: "executing", promptId: P, nodeId: "3" },
      { type: "step", promptId: P, nodeId: "3", step: 1, steps: 60 },
      { type: "executed", promptId: P, nodeId: "3" },
      null,
      { type: "finished", promptId: P },
    ]);
  });

  it("reads what a node has made, under the node's own id", () => {
    const picture = { filename: "a.png", subfolder: "x", type: "output" };
    const output = { images: [picture, null, "junk"], text: ["hello"] };
    expect(parse("executed", { node: "4.0.1", display_node: "4", output, prompt_id: P })).toEqual({
      type: "executed",
      promptId: P,
      nodeId: "4",
      made: { files: [{ nodeId: "4.0.1", ...picture }], texts: [{ nodeId: "4.0.1", text: "hello" }] },
    });
    const escaping = { images: [{ ...picture, filename: "../a.png" }] };
    expect(parse("executed", { node: "4", output: escaping, prompt_id: P })).not.toHaveProperty("made");
  });

  it("names the graph's own node where ComfyUI runs one that it expanded into", () => {
    expect(parse("executing", { node: "4.0.1", display_node: "4", prompt_id: P })).toMatchObject({ nodeId: "4" });
  });

  it("reads errors without their traceback, and interrupts", () => {
    const failed = parse("execution_error", {
      prompt_id: P,
      node_id: "2",
      node_type: "SaveImage",
      exception_type: "ValueError",
      exception_message: "bad",
      traceback: ["secret"],
      current_inputs: { text: ["secret"] },
    });
    expect(failed).toMatchObject({ type: "failed", promptId: P, error: { code: "execution_failed", nodeId: "2" } });
    expect(JSON.stringify(failed)).not.toContain("secret");
    expect(parse("execution_interrupted", { prompt_id: P, node_id: "2" })).toEqual({
      type: "interrupted",
      promptId: P,
    });
  });

  it("ignores a blocked node: the run goes on", () => {
    expect(parse("execution_error", { prompt_id: P, exception_type: "ExecutionBlocked" })).toBeNull();
  });

  it("ignores what it does not know, and known types of an unknown shape", () => {
    const reconnected = { node: "3" };
    expect([
      parse("crystools.monitor", {}),
      parse("progress_state", { prompt_id: P, nodes: {} }),
      parse("executing", reconnected),
      parse("progress", { value: "1" }),
      parse("execution_start"),
      parseMessage("no json"),
      parseMessage("[1]"),
      parseMessage("null"),
    ]).toEqual(Array.from({ length: 8 }, () => null));
  });
});
