import { describe, expect, it } from "vitest";
import { Job } from "../../../../contracts/job.ts";
import { jobView } from "../../../../proxy/jobs/job-view.ts";
import { jobRow } from "./job-row.ts";

const context = { waiting: null, progress: null, nowMs: 1_000_000, jobRetentionMs: 60_000 };
const busy = { reason: "pods_busy", message: "All are busy." } as const;

describe("jobView()", () => {
  it("is a job of the contract", () => {
    expect(() => Job.parse(jobView(jobRow({ startedAtMs: 1, completedAtMs: 2, startByMs: 3 }), context))).not.toThrow();
  });

  it("shows an assigned job as queued, and as starting unless it waits for something on its pod", () => {
    const row = jobRow({ state: "assigned" });
    expect(jobView(row, context)).toMatchObject({ state: "queued", waiting: { reason: "starting" } });
    expect(jobView(row, { ...context, waiting: busy })).toMatchObject({ state: "queued", waiting: busy });
  });

  it("says when a lost job is tried again", () => {
    const row = jobRow({ losses: 1, runAfterMs: context.nowMs + 1_500 });
    expect(jobView(row, { ...context, waiting: busy }).waiting).toMatchObject({
      reason: "retrying",
      message: expect.stringContaining("2 s"),
    });
    expect(jobView(row, { ...context, waiting: busy, nowMs: row.runAfterMs }).waiting).toEqual(busy);
  });

  it("never leaves a queued job without a reason, nor gives one to any other", () => {
    expect(jobView(jobRow(), context).waiting).not.toBeNull();
    for (const state of ["running", "canceling", "succeeded", "failed", "canceled", "expired"] as const) {
      expect(jobView(jobRow({ state }), { ...context, waiting: busy }).waiting).toBeNull();
    }
  });
});
