import { describe, expect, it } from "vitest";
import { HistoryEntry, historyOutcome, JobEntry, jobOutcome } from "../../../../../agent/comfy/wire/outcome.ts";

const OUTPUTS = { "9": { images: [{ filename: "a.png", subfolder: "", type: "output" }] } };
const START = ["execution_start", { prompt_id: "p", timestamp: 1 }];
const SUCCESS = ["execution_success", { prompt_id: "p", timestamp: 2 }];

function history(status_str: string, messages: unknown[], outputs: unknown = OUTPUTS) {
  return historyOutcome(HistoryEntry.parse({ outputs, status: { status_str, completed: true, messages } }));
}

function error(exception_type: string) {
  return ["execution_error", { node_id: "4", node_type: "KSampler", exception_type, exception_message: "m" }];
}

describe("historyOutcome()", () => {
  it("succeeds with files and cached nodes", () => {
    const cached = ["execution_cached", { nodes: ["1", "2"], prompt_id: "p" }];
    expect(history("success", [START, cached, SUCCESS])).toEqual({
      status: "succeeded",
      files: [{ nodeId: "9", filename: "a.png", subfolder: "", type: "output" }],
      texts: [],
      cachedNodes: ["1", "2"],
    });
  });

  it("tells an interrupt from a failure, which ComfyUI both calls error", () => {
    expect(history("error", [START, ["execution_interrupted", { node_id: "4" }]])).toEqual({ status: "interrupted" });
    expect(history("error", [START, error("ValueError")])).toMatchObject({ status: "failed", error: { nodeId: "4" } });
  });

  it("believes an error message over the word success", () => {
    expect(history("success", [START, error("graph.DependencyCycleError")])).toMatchObject({ status: "failed" });
  });

  it("succeeds when a node was only blocked", () => {
    expect(history("success", [START, error("ExecutionBlocked"), SUCCESS])).toMatchObject({ status: "succeeded" });
  });

  it("goes by the word when there are no messages", () => {
    expect(history("success", [])).toMatchObject({ status: "succeeded" });
    expect(history("error", [])).toMatchObject({ status: "failed" });
    expect(historyOutcome(HistoryEntry.parse({ outputs: {} }))).toMatchObject({ status: "failed" });
  });

  it("survives odd messages", () => {
    expect(history("success", [null, "x", [], ["execution_error"], ["execution_cached", { nodes: 1 }]]))
      .toMatchObject({ status: "failed" });
  });
});

describe("jobOutcome()", () => {
  it("reads every status of /api/jobs", () => {
    const messages = [START, SUCCESS];
    const done = {
      id: "p",
      status: "completed",
      outputs: OUTPUTS,
      execution_status: { status_str: "success", messages },
    };
    const execution_error = { exception_type: "ValueError", exception_message: "m", node_id: "4" };
    expect(jobOutcome(JobEntry.parse({ status: "pending" }))).toEqual({ status: "pending" });
    expect(jobOutcome(JobEntry.parse({ status: "in_progress" }))).toEqual({ status: "running" });
    expect(jobOutcome(JobEntry.parse({ status: "cancelled" }))).toEqual({ status: "interrupted" });
    expect(jobOutcome(JobEntry.parse(done))).toMatchObject({ status: "succeeded", files: [{ filename: "a.png" }] });
    expect(jobOutcome(JobEntry.parse({ status: "failed", execution_error })))
      .toMatchObject({ status: "failed", error: { exceptionType: "ValueError", nodeId: "4" } });
  });

  it("takes nothing for an end that it does not know, and no end for a success that is not called one", () => {
    const outcome = (job: unknown) => jobOutcome(JobEntry.parse(job)).status;
    expect(outcome({ status: "queued_remote", outputs: OUTPUTS })).toBe("running");
    expect(outcome({ status: "queued_remote", execution_status: { status_str: "success" } })).toBe("running");
    expect(outcome({ status: "completed", outputs: OUTPUTS, execution_status: null })).toBe("running");
    expect(outcome({ status: "completed", execution_status: { messages: [START] } })).toBe("running");
    expect(outcome({ status: "completed", execution_status: { status_str: "success" } })).toBe("succeeded");
    expect(outcome({ status: "completed", execution_status: { messages: [START, SUCCESS] } })).toBe("succeeded");
    expect(outcome({ status: "failed", execution_status: { messages: [START] } })).toBe("failed");
    expect(outcome({ status: "failed" })).toBe("failed");
  });
});
