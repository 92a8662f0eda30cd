import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { judgeStart, toJobError } from "../../../../proxy/attempts/start-verdict.ts";
import { unsendable } from "../../../../proxy/pods/agent-error.ts";

describe("judgeStart()", () => {
  it.each(
    [
      ["slot_busy", "give_back"],
      ["comfy_unavailable", "give_back"],
      ["edge_stopping", "give_back"],
      ["stale_epoch", "give_back"],
      ["wrong_pod", "give_back"],
      ["invalid_workflow", "fail"],
      ["payload_too_large", "fail"],
      ["agent_unreachable", "unanswered"],
      ["timeout", "unanswered"],
      ["internal", "unanswered"],
      ["hash_mismatch", "count_loss"],
      ["invalid_input", "count_loss"],
    ] as const,
  )("takes %s for %s", (code, verdict) => {
    expect(judgeStart(new FleetError(code, "Cannot start"))).toBe(verdict);
  });

  it("gives back what was certainly never sent", () => {
    const error = new FleetError("agent_unreachable", "Cannot reach", { details: { sent: false } });
    expect(judgeStart(error)).toBe("give_back");
  });

  it("fails a job whose order cannot be written", () => {
    expect(judgeStart(unsendable(new Error("no JSON")))).toBe("fail");
  });
});

describe("toJobError()", () => {
  it("keeps the nodes to blame and drops details that are not of that form", () => {
    const nodeErrors = { "3": [{ field: "width", reason: "too large" }] };
    const refused = new FleetError("invalid_workflow", "Cannot run", { hint: "Mend it.", details: { nodeErrors } });
    expect(toJobError(refused)).toEqual({
      code: "invalid_workflow",
      message: "Cannot run",
      hint: "Mend it.",
      nodeErrors,
    });
    const odd = new FleetError("invalid_workflow", "Cannot run", { details: { nodeErrors: "all" } });
    expect(toJobError(odd)).toEqual({ code: "invalid_workflow", message: "Cannot run" });
  });
});
