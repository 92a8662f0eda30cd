import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { judgeGraph, refusalOf } from "../../../../proxy/jobs/judge-graph.ts";
import type { ObjectInfo } from "../../../../proxy/jobs/object-info.ts";
import type { KnownBody } from "../../../../proxy/jobs/object-info-cache.ts";
import {
  canvasGraph,
  classWithChoices,
  infoWithout,
  modelGraph,
  recordedInfo,
  workflowFixture,
} from "./graph-fixtures.ts";
import { cpuMs } from "../../../support/cpu-time.ts";

const info = recordedInfo();

/** Bodies with the hashes "0", "1", … */
function known(...infos: ObjectInfo[]): KnownBody[] {
  return infos.map((one, index) => ({ sha256: `${index}`, info: one }));
}

/** A fleet's newer ComfyUI, which asks more of an image. */
const strict = recordedInfo({
  EmptyImage: { input: { required: { width: ["INT", { min: 16 }], depth: ["INT"] } }, output: ["IMAGE"] },
});

function refusal(workflow: Workflow, bodies: readonly ObjectInfo[]): FleetError {
  try {
    judgeGraph(workflow, known(...bodies));
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
  throw new Error("the graph was accepted");
}

describe("judgeGraph()", () => {
  it("accepts what one known body accepts, whatever the others say", () => {
    expect(judgeGraph(canvasGraph(), known(infoWithout("EmptyImage"), info))).toEqual({ waiting: null, refusedBy: [] });
  });

  it("names the bodies that have every class and refuse, in the order of their hashes", () => {
    const bodies = known(strict, info, infoWithout("SaveImage"), strict);
    expect(judgeGraph(canvasGraph(), bodies).refusedBy).toEqual(["0", "3"]);
    expect(judgeGraph(canvasGraph(), bodies.toReversed()).refusedBy).toEqual(["0", "3"]);
  });

  it("does not take a body that only lacks a model file for one that refuses", () => {
    const other = recordedInfo(classWithChoices("UNETLoader", "unet_name", ["big.safetensors"]));
    expect(judgeGraph(modelGraph("big.safetensors"), known(other, info)).refusedBy).toEqual([]);
  });

  it("looks at each body once", () => {
    const looks = new Map<string, number>();
    const bodies = known(strict, info, infoWithout("SaveImage")).map(({ sha256, info: one }) => {
      const counted = new Map(one);
      // The verdict on a body begins with one look for each class of the graph.
      counted.has = (name) => {
        if (name === "EmptyImage") looks.set(sha256, (looks.get(sha256) ?? 0) + 1);
        return one.has(name);
      };
      return { sha256, info: counted };
    });
    judgeGraph(canvasGraph(), bodies);
    expect([...looks]).toEqual([["0", 1], ["1", 1], ["2", 1]]);
  });

  it("refuses 10,000 unknown classes of many nodes in few words and little time", () => {
    const nodes = Array.from({ length: 10_000 }, (_, at) => {
      return [`node-${at}`, { class_type: `Nope-${at}-${"n".repeat(280)}`, inputs: {} }] as const;
    });
    const workflow = parseWorkflow(Object.fromEntries(nodes));
    const bodies = [info, infoWithout("SaveImage")];
    expect(cpuMs(() => refusal(workflow, bodies))).toBeLessThan(500);
    const error = refusal(workflow, bodies);
    expect(error.message).toMatch(/'Nope-4-n+', … and 9995 more$/);
    expect(error.message).not.toContain("Nope-5-");
    expect(Object.keys(error.details?.nodeErrors ?? {})).toHaveLength(50);
    expect(error.details?.unknownClasses).toHaveLength(50);
    expect(JSON.stringify(error.toEnvelope()).length).toBeLessThan(50_000);
  });

  it("blames at most 50 nodes for naming files, whatever their ids", () => {
    const load = { class_type: "LoadImage", inputs: { image: "x.png" } };
    expect(refusal(parseWorkflow({ toString: load }), []).details).toEqual({
      nodeErrors: { toString: [{ field: "image", reason: expect.stringContaining("'x.png'") }] },
    });
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`node-${at}`, load]));
    expect(Object.keys(refusal(parseWorkflow(many), []).details?.nodeErrors ?? {})).toHaveLength(50);
  });

  it("names five models that are missing, cut short, of a list of any length", () => {
    const multiple = recordedInfo({
      Stack: { input: { required: { names: [["a.pt"], { multiselect: true }] } }, output: [], output_node: true },
    });
    const names = Array.from({ length: 200_000 }, (_, at) => `${at}.pt`).toSpliced(0, 1, `${"m".repeat(10_000)}.pt`);
    const workflow = parseWorkflow({ "1": { class_type: "Stack", inputs: { names: { __value__: names } } } });
    const { waiting } = judgeGraph(workflow, known(multiple));
    expect(waiting).toMatchObject({ reason: "missing_model", message: expect.stringContaining("… and 199995 more") });
    expect(waiting?.message.length).toBeLessThan(400);
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
    const { waiting } = judgeGraph(canvasGraph(), known(infoWithout("EmptyImage"), infoWithout("SaveImage")));
    expect(waiting?.reason).toBe("no_capable_pod");
  });

  it("lets a graph in that lacks only model files, and names them", () => {
    const { waiting } = judgeGraph(modelGraph("big.safetensors"), known(info));
    expect(waiting).toEqual({
      reason: "missing_model",
      message: "No pod has 'big.safetensors' (UNETLoader.unet_name).",
    });
  });

  it("prefers a body that has the models", () => {
    const other = recordedInfo(classWithChoices("UNETLoader", "unet_name", ["big.safetensors"]));
    expect(judgeGraph(modelGraph("big.safetensors"), known(info, other))).toEqual({ waiting: null, refusedBy: [] });
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
    expect(judgeGraph(modelGraph("any.safetensors"), []).waiting?.reason).toBe("no_pods");
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

describe("refusalOf()", () => {
  it("answers null for a body that accepts the graph, also when a model file is not there", () => {
    expect(refusalOf(canvasGraph(), info)).toBeNull();
    expect(refusalOf(modelGraph("big.safetensors"), info)).toBeNull();
  });

  it("answers the refusal with the nodes to blame", () => {
    expect(refusalOf(canvasGraph(), strict)).toMatchObject({
      code: "invalid_workflow",
      details: { nodeErrors: { "1": [{ field: "width" }, { field: "depth", reason: "Required input is missing" }] } },
    });
  });
});
