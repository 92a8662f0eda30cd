import { describe, expect, it } from "vitest";
import { followRuns, type RunJudge } from "../../../../agent/gpu/follow-runs.ts";
import { smiEnvironment } from "../../../../agent/gpu/smi/environment.ts";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import type { ErrorCode } from "../../../../contracts/errors.ts";
import { reportOf, strangeAttemptId } from "../../../support/agent-reports.ts";
import { jobId } from "../../proxy/jobs/ids.ts";

function setUp() {
  const noted: Parameters<RunJudge["noteRun"]>[0][] = [];
  let tell = (_report: AttemptReport) => {};
  followRuns({
    onReport(listener) {
      tell = listener;
      return () => {};
    },
  }, { noteRun: (run) => noted.push(run) });
  const say = (state: AttemptReport["state"], code: ErrorCode | null, attemptId = strangeAttemptId()) =>
    tell(reportOf({ attemptId, jobId: jobId(7), no: 1 }, state, {
      error: code === null ? null : { code, message: "Cannot go on" },
    }));
  return { noted, say };
}

describe("followRuns()", () => {
  it("notes runs that succeeded and that broke the CUDA context, and no other", () => {
    const { noted, say } = setUp();
    for (const state of ["accepted", "running", "collecting", "canceled"] as const) say(state, null);
    say("failed", "out_of_memory");
    say("failed", "execution_failed");
    say("lost", "pod_lost");
    expect(noted).toEqual([]);
    say("failed", "gpu_fault");
    say("succeeded", null);
    expect(noted).toEqual([{ is: "work_fault", jobId: jobId(7) }, { is: "work_success" }]);
  });

  it("notes an attempt once, however often it is reported", () => {
    const { noted, say } = setUp();
    const attemptId = strangeAttemptId();
    for (let time = 0; time < 3; time += 1) say("failed", "gpu_fault", attemptId);
    expect(noted).toHaveLength(1);
  });
});

describe("smiEnvironment()", () => {
  it("gives nvidia-smi the way to its libraries, plain English and no secret", () => {
    const env = {
      PATH: "/bin",
      LD_LIBRARY_PATH: "/lib",
      NVIDIA_VISIBLE_DEVICES: "all",
      AGENT_SECRET: "x",
      LC_ALL: "de_DE",
    };
    expect(smiEnvironment(env)).toEqual({
      PATH: "/bin",
      LD_LIBRARY_PATH: "/lib",
      NVIDIA_VISIBLE_DEVICES: "all",
      LC_ALL: "C",
    });
  });
});
