import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProgressTracker } from "../../../../agent/attempts/progress-tracker.ts";
import type { ComfyMessage } from "../../../../agent/comfy/port.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";

const promptId = "p";
const graph: Workflow = {
  "1": { class_type: "Load", inputs: {} },
  "2": { class_type: "Sampler", inputs: { model: ["1", 0], steps: 8 } },
  "3": { class_type: "Decode", inputs: { samples: ["2", 0] } },
  "4": { class_type: "Save", inputs: { images: ["3", 0] } },
  "5": { class_type: "Unused", inputs: {} },
};
const fresh = (resumed: ReturnType<ProgressTracker["snapshot"]> | null = null) =>
  new ProgressTracker(graph, { outputClasses: new Set(["Save"]), resumed });
const executing = (nodeId: string): ComfyMessage => ({ type: "executing", promptId, nodeId });
const step = (nodeId: string, step: number, steps: number): ComfyMessage => ({
  type: "step",
  promptId,
  nodeId,
  step,
  steps,
});

describe("ProgressTracker", () => {
  it("counts the nodes that the outputs need, less the cached ones and what only they need", () => {
    const tracker = fresh();
    expect(tracker.snapshot()).toMatchObject({ value: 0, nodesDone: 0, nodesTotal: 4 });
    tracker.apply({ type: "cached", promptId, nodes: ["2"] });
    expect(tracker.snapshot()).toMatchObject({ value: 0, nodesTotal: 2 });
  });

  it("gives a node with steps most of the bar, and names the node that runs", () => {
    const tracker = fresh();
    tracker.apply(executing("1"));
    tracker.apply(executing("2"));
    const before = tracker.snapshot();
    expect(before.value).toBeCloseTo(1 / 13);
    tracker.apply(step("2", 4, 8));
    expect(tracker.snapshot()).toMatchObject({
      currentNode: "2",
      currentNodeClass: "Sampler",
      step: 4,
      steps: 8,
      nodesDone: 1,
    });
    expect(tracker.snapshot().value).toBeCloseTo(6 / 13);
  });

  it("takes a running node's sources for done when their events were missed", () => {
    const tracker = fresh();
    tracker.apply(executing("4"));
    expect(tracker.snapshot()).toMatchObject({ nodesDone: 3, currentNode: "4" });
  });

  it("does not jump when a node turns out to report steps", () => {
    const tracker = fresh();
    tracker.apply(executing("1"));
    const before = tracker.snapshot().value;
    tracker.apply(step("1", 0, 100));
    expect(tracker.snapshot().value).toBeCloseTo(before);
  });

  it("ignores nodes that are not of the graph", () => {
    const tracker = fresh();
    tracker.apply(executing("1"));
    expect(tracker.apply(executing("1.0.0.3"))).toBe(false);
    expect(tracker.apply(step("1.0.0.3", 1, 2))).toBe(false);
    expect(tracker.snapshot().currentNode).toBe("1");
  });

  it("goes on from the progress before a restart", () => {
    const tracker = fresh({ ...fresh().snapshot(), value: 0.7 });
    expect(tracker.snapshot().value).toBeCloseTo(0.7);
    tracker.apply(executing("3"));
    expect(tracker.snapshot().value).toBeGreaterThan(0.7);
  });

  it("is 1 when the run has succeeded, whatever was missed", () => {
    const tracker = fresh();
    tracker.complete();
    expect(tracker.snapshot()).toMatchObject({ value: 1, nodesDone: 4, currentNode: null, step: null });
  });

  it("stays where it is while steps come late or again, and goes on from there", () => {
    const tracker = fresh();
    tracker.apply(executing("2"));
    const valueAt = (done: number) => {
      tracker.apply(step("2", done, 8));
      return tracker.snapshot().value;
    };
    const reached = valueAt(6);
    for (const late of [3, 6, 0, 6]) expect(valueAt(late)).toBe(reached);
    const straight = fresh();
    straight.apply(executing("2"));
    straight.apply(step("2", 7, 8));
    expect(valueAt(7)).toBeCloseTo(straight.snapshot().value);
  });

  it("never falls and stays within 0..1, whatever comes", () => {
    const node = fc.constantFrom("1", "2", "3", "4", "5", "x");
    const count = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ noNaN: true }));
    const message = fc.oneof(
      node.map(executing),
      fc.tuple(node, count, fc.integer({ min: -1, max: 20 })).map(([id, n, of]) => step(id, n, of)),
      node.map((nodeId): ComfyMessage => ({ type: "executed", promptId, nodeId })),
      fc.array(node).map((nodes): ComfyMessage => ({ type: "cached", promptId, nodes })),
      fc.constant<ComfyMessage>({ type: "finished", promptId }),
    );
    fc.assert(fc.property(fc.array(message), (messages) => {
      const tracker = fresh();
      let last = 0;
      for (const each of messages) {
        tracker.apply(each);
        const { value, nodesDone, nodesTotal } = tracker.snapshot();
        expect(value).toBeGreaterThanOrEqual(last);
        expect(value).toBeLessThanOrEqual(1);
        expect(nodesDone).toBeLessThanOrEqual(nodesTotal);
        last = value;
      }
    }));
  });
});
