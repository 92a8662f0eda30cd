import { describe, expect, it } from "vitest";
import { ExecutionOrder } from "../../../../fake-comfy/execution/order.ts";
import type { Graph } from "../../../../fake-comfy/queue/prompt-queue.ts";

const graph: Graph = {
  "1": { class_type: "A", inputs: {} },
  "2": { class_type: "A", inputs: {} },
  "3": { class_type: "B", inputs: { one: ["1", 0], two: ["2", 0] } },
  "4": { class_type: "Out", inputs: { from: ["3", 0] } },
  "5": { class_type: "Out", inputs: { from: ["1", 0] } },
};

function run(outputs: string[], cached: string[] = []): string[] {
  const order = new ExecutionOrder({
    graph,
    isCached: (nodeId) => cached.includes(nodeId),
    isOutput: (nodeId) => nodeId === "4" || nodeId === "5",
  });
  for (const nodeId of outputs) order.add(nodeId);
  const done: string[] = [];
  for (let nodeId = order.next(); nodeId !== null; nodeId = order.next()) {
    done.push(nodeId);
    order.complete(nodeId);
  }
  return done;
}

describe("ExecutionOrder", () => {
  it("next() runs an output as soon as it is ready", () => {
    expect(run(["4", "5"])).toEqual(["1", "5", "2", "3", "4"]);
  });

  it("add() leaves out what no output needs", () => {
    expect(run(["5"])).toEqual(["1", "5"]);
  });

  it("add() leaves out what is cached, and keeps a cached output", () => {
    expect(run(["4"], ["3"])).toEqual(["4"]);
    expect(run(["4"], ["3", "4"])).toEqual(["4"]);
  });
});
