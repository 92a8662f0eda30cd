import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { hasNodeErrors, PromptAnswer, refusal } from "../../../../../agent/comfy/wire/refusal.ts";
import { JobError } from "../../../../../contracts/job.ts";

/** What a real ComfyUI answered to every bad graph that was tried. */
const RECORDED = z.object({ cases: z.array(z.object({ name: z.string(), status: z.number(), answer: z.unknown() })) })
  .parse(JSON.parse(readFileSync(new URL("../../../../fixtures/comfy/validation.json", import.meta.url), "utf8")));

function recorded(name: string) {
  const found = RECORDED.cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`Cannot find the recorded case "${name}"`);
  return refusal(PromptAnswer.parse(found.answer));
}

describe("refusal()", () => {
  it("turns every recorded 400 into a typed error without traceback or path", () => {
    const refused = RECORDED.cases.filter(({ status }) => status === 400);
    expect(refused.length).toBeGreaterThan(25);
    for (const { name, answer } of refused) {
      const error = JobError.parse(refusal(PromptAnswer.parse(answer)));
      expect(error.code, name).toBe("invalid_workflow");
      expect(error.message, name).toMatch(/^Cannot run the workflow: \S/);
      expect(JSON.stringify(error), name).not.toMatch(/Traceback|File \\?"|site-packages|\/ComfyUI\//);
    }
  });

  it("names the field and the reason per node", () => {
    expect(recorded("value below the minimum")).toMatchObject({
      nodeId: "1",
      classType: "EmptyImage",
      nodeErrors: { "1": [{ field: "width", reason: "Value 0 smaller than min of 1" }] },
    });
    expect(recorded("required input missing").nodeErrors).toEqual({
      "1": [{ field: "height", reason: "Required input is missing" }],
    });
    expect(recorded("upload that does not exist").nodeErrors).toEqual({
      "1": [{ field: "image", reason: expect.stringContaining("Invalid image file: no.png") }],
    });
  });

  it("counts the errors that its message does not name", () => {
    const error = recorded("three errors in one node");
    expect(error.nodeErrors?.["1"]).toHaveLength(3);
    expect(error.message).toContain("(and 2 more)");
  });

  it("blames the node whose class is not installed", () => {
    expect(recorded("unknown class")).toMatchObject({
      nodeId: "1",
      classType: "NoSuchNode",
      nodeErrors: { "1": [{ field: "class_type" }] },
    });
  });

  it("blames no node for an empty graph", () => {
    expect(recorded("empty graph")).toMatchObject({
      nodeId: null,
      nodeErrors: null,
      message: "Cannot run the workflow: Prompt has no outputs",
    });
  });
});

describe("hasNodeErrors()", () => {
  it("sees the outputs that ComfyUI dropped from a prompt it took", () => {
    const partly = RECORDED.cases.find(({ name }) => name === "one output good, one bad");
    expect(partly?.status).toBe(200);
    expect(hasNodeErrors(PromptAnswer.parse(partly?.answer))).toBe(true);
    expect(hasNodeErrors(PromptAnswer.parse({ prompt_id: "p", number: 1, node_errors: {} }))).toBe(false);
  });
});
