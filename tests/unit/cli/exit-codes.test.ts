import { describe, expect, it } from "vitest";
import { exitCodeOf, exitCodeOfJob } from "../../../cli/output/exit-codes.ts";
import { type ErrorCode, FleetError } from "../../../contracts/errors.ts";
import { JobState } from "../../../contracts/job-state.ts";

function failed(code: ErrorCode, state: JobState = "failed"): FleetError {
  return new FleetError(code, "It ended.", { details: { jobId: "job_1", job: { id: "job_1", state } } });
}

describe("exitCodeOf()", () => {
  it.each(
    [
      ["invalid_input", 2],
      ["invalid_json", 2],
      ["invalid_workflow", 2],
      ["unauthorized", 3],
      ["forbidden", 3],
      ["not_found", 4],
      ["timeout", 6],
      ["edge_unreachable", 1],
      ["internal", 1],
    ] as const,
  )("of a command that failed with %s is %i", (code, exitCode) => {
    expect(exitCodeOf(new FleetError(code, "Cannot."))).toBe(exitCode);
  });

  it.each(["execution_failed", "invalid_input", "invalid_workflow", "not_found", "internal", "pod_lost"] as const)(
    "of a job that failed with %s is 5, whatever the code means elsewhere",
    (code) => expect(exitCodeOf(failed(code))).toBe(5),
  );

  it("of a job is 5 when it was canceled, 6 when its time was over", () => {
    expect(exitCodeOf(failed("canceled", "canceled"))).toBe(5);
    expect(exitCodeOf(failed("expired", "expired"))).toBe(6);
    for (const code of ["timeout", "no_progress"] as const) expect(exitCodeOf(failed(code))).toBe(6);
  });

  it("of a job that succeeded is that of what went wrong afterwards", () => {
    expect(exitCodeOf(failed("edge_unreachable", "succeeded"))).toBe(1);
    expect(exitCodeOf(new FleetError("invalid_input", "Cannot save.", { details: { jobId: "job_1" } }))).toBe(2);
  });
});

describe("exitCodeOfJob()", () => {
  it("is that of the state, for every state", () => {
    expect(JobState.options.map((state) => [state, exitCodeOfJob(state, undefined)])).toEqual([
      ...[["queued", 0], ["running", 0], ["canceling", 0], ["succeeded", 0]],
      ...[["failed", 5], ["canceled", 5], ["expired", 6]],
    ]);
  });
});
