// What a condition says is to be done is found in its words again by an edge, which knows nothing else of it.
import { describe, expect, it } from "vitest";
import { gpuCondition } from "../../../../agent/gpu/gpu-condition.ts";
import { type ReasonRule, REASONS } from "../../../../agent/gpu/health/reasons.ts";
import { gpuFix, gpuFixIn } from "../../../../contracts/agent/gpu-words.ts";

const since = "2026-01-01T00:00:00.000Z";

describe("gpuCondition()", () => {
  it.each(Object.entries<ReasonRule>(REASONS))("ends with what to do: %s", (code, { state, action, nodeHint }) => {
    const reasons = [{ code, gpu: null, detail: "Replace the pod. It is so.", firstSeen: since, count: 1 }];
    const { message } = gpuCondition({ state, since, seq: 1, reasons, action, nodeHint });
    expect(gpuFixIn(message)).toBe(gpuFix({ action, nodeHint }));
  });
});
