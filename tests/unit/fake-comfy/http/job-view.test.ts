import { describe, expect, it } from "vitest";
import { finishedJob } from "../../../../fake-comfy/http/job-view.ts";
import type { JsonObject } from "../../../../fake-comfy/python.ts";
import type { HistoryEntry } from "../../../../fake-comfy/queue/prompt-queue.ts";

function entry(event: string, outputs: JsonObject = {}, extraData: JsonObject = {}): HistoryEntry {
  const success = event === "execution_success";
  return {
    prompt: [3, "p", {}, { create_time: 1, ...extraData }, []],
    outputs,
    meta: {},
    status: {
      status_str: success ? "success" : "error",
      completed: success,
      messages: [["execution_start", { timestamp: 10 }], [event, { timestamp: 30 }]],
    },
  };
}

describe("finishedJob()", () => {
  it.each([
    ["execution_success", "completed"],
    ["execution_error", "failed"],
    ["execution_interrupted", "cancelled"],
  ])("finishedJob() that ended with %s is %s", (event, status) => {
    expect(finishedJob("p", entry(event), false)).toMatchObject({
      status,
      priority: 3,
      execution_start_time: 10,
      execution_end_time: 30,
    });
  });

  it("finishedJob() prefers a saved picture to a temporary one, and that to text", () => {
    const text = { text: ["hello"] };
    const temp = { images: [{ filename: "t.png", subfolder: "", type: "temp" }] };
    const saved = { images: [{ filename: "s.png", subfolder: "", type: "output" }] };
    const preview = (outputs: JsonObject) =>
      finishedJob("p", entry("execution_success", outputs), false)["preview_output"];
    expect(preview({ "1": text, "2": temp, "3": saved })).toMatchObject({ filename: "s.png", nodeId: "3" });
    expect(preview({ "1": text, "2": temp })).toMatchObject({ filename: "t.png", mediaType: "images" });
    expect(preview({ "1": text })).toEqual({ content: "hello", nodeId: "1", mediaType: "text" });
  });

  it("finishedJob() counts files and not texts", () => {
    const outputs = { "1": { text: ["a"], files: [{ filename: "a.txt", subfolder: "", type: "output" }] } };
    expect(finishedJob("p", entry("execution_success", outputs), false)["outputs_count"]).toBe(1);
  });

  it("finishedJob() throws for extra data without the shape it expects", () => {
    expect(() => finishedJob("p", entry("execution_success", {}, { extra_pnginfo: null }), false)).not.toThrow();
    expect(() => finishedJob("p", entry("execution_success", {}, { extra_pnginfo: 5 }), false)).toThrow("no attribute");
  });
});
