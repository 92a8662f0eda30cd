import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { judgeGraph } from "../../../../proxy/jobs/judge-graph.ts";
import type { ObjectInfo } from "../../../../proxy/jobs/object-info.ts";
import {
  canvasGraph,
  classWithChoices,
  infoWithout,
  modelGraph,
  recordedInfo,
  workflowFixture,
} from "./graph-fixtures.ts";

const info = recordedInfo();

function refusal(workflow: Workflow, bodies: readonly ObjectInfo[]): FleetError {
  try {
    judgeGraph(workflow, bodies);
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
  throw new Error("the graph was accepted");
}

describe("judgeGraph()", () => {
  it("accepts what one known body accepts, whatever the others say", () => {
    expect(judgeGraph(canvasGraph(), [infoWithout("EmptyImage"), info])).toBeNull();
  });

  it("refuses a class that no known body has, and names it", () => {
    const workflow = canvasGraph();
    workflow["3"] = { class_type: "NoSuchNode", inputs: {} };
    const error = refusal(workflow, [info, infoWithout("SaveImage")]);
    expect(error.code).toBe("invalid_workflow");
    expect(error.message).toContain("'NoSuchNode'");
    expect(error.hint).toContain("custom node");
    expect(error.details).toMatchObject({
      unknownClasses: ["NoSuchNode"],
      nodeErrors: { "3": [{ field: "class_type", reason: "No pod has the class 'NoSuchNode'" }] },
    });
  });

  it("lets a graph wait whose classes are on different pods", () => {
    const waiting = judgeGraph(canvasGraph(), [infoWithout("EmptyImage"), infoWithout("SaveImage")]);
    expect(waiting?.reason).toBe("no_capable_pod");
  });

  it("lets a graph in that lacks only model files, and names them", () => {
    const waiting = judgeGraph(modelGraph("big.safetensors"), [info]);
    expect(waiting).toEqual({
      reason: "missing_model",
      message: "No pod has 'big.safetensors' (UNETLoader.unet_name).",
    });
  });

  it("prefers a body that has the models", () => {
    const other = recordedInfo(classWithChoices("UNETLoader", "unet_name", ["big.safetensors"]));
    expect(judgeGraph(modelGraph("big.safetensors"), [info, other])).toBeNull();
  });

  it("refuses a bad value with the node, the input and the reason", () => {
    const error = refusal(canvasGraph({ width: 0 }), [info]);
    expect(error.message).toBe(
      "Cannot run workflow: node '1' (EmptyImage), input 'width': 0 is smaller than the minimum 1",
    );
    expect(error.details).toMatchObject({ nodeErrors: { "1": [{ field: "width" }] } });
  });

  it("refuses a graph without an output node", () => {
    const workflow = parseWorkflow({ "1": { class_type: "PrimitiveString", inputs: { value: "a" } } });
    expect(refusal(workflow, [info]).message).toContain("no output node");
  });

  it("accepts while no body is known, and says that it waits", () => {
    expect(judgeGraph(modelGraph("any.safetensors"), [])?.reason).toBe("no_pods");
  });

  it("refuses a plain file name, known body or not, and says how to upload", () => {
    for (const bodies of [[], [info], [infoWithout("LoadImage")]]) {
      const error = refusal(workflowFixture("invert-upload"), bodies);
      expect(error.code).toBe("invalid_workflow");
      expect(error.hint).toContain("=@FILE");
    }
  });

  it("hints at uploading when a class of the pod's own marks the input", () => {
    const workflow = parseWorkflow({ "1": { class_type: "ReadClip", inputs: { clip: "mine.mp4" } } });
    const classes = { ReadClip: { input: { required: { clip: [[], { video_upload: true }] } }, output_node: true } };
    expect(refusal(workflow, [recordedInfo(classes)]).hint).toContain("=@FILE");
  });
});
