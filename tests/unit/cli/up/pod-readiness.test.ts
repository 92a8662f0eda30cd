import { describe, expect, it } from "vitest";
import { podReadiness } from "../../../../cli/up/pod-readiness.ts";
import { toTimestamp } from "../../../../contracts/ids.ts";
import { type Condition, Pod } from "../../../../contracts/pod.ts";

const START_MS = 1_700_000_000_000;
const at = (afterMs: number) => ({ sinceMs: START_MS, nowMs: START_MS + afterMs });

function condition(change: Partial<Condition>, sinceMs = START_MS + 100): Condition {
  const known = { type: "ComfyReady", status: "true", reason: "Ready", message: "ComfyUI is ready." } as const;
  return { ...known, since: toTimestamp(sinceMs), ...change };
}

function pod(seenMs: number | null, phase: Pod["phase"], conditions: Condition[] = []): Pod {
  return Pod.parse({
    ...{ id: "pod_01jd8qf2e0f0x8j3m5p7q9s1tv", name: "local", phase, bootId: null, slotsTotal: 1, slotsBusy: 0 },
    ...{ capability: null, conditions, cordon: null, dev: false, createdAt: toTimestamp(START_MS - 1) },
    lastSeenAt: seenMs === null ? null : toTimestamp(seenMs),
  });
}

const wrongPod = { type: "Reachable", status: "false", reason: "WrongPod", message: "Another pod." } as const;

describe("podReadiness()", () => {
  it("is ready once the pod was met in this start and is", () => {
    expect(podReadiness([pod(START_MS + 1, "ready")], at(5))).toEqual({ is: "ready" });
    expect(podReadiness([pod(START_MS - 1, "ready")], at(5))).toEqual({
      is: "waiting",
      what: "the edge to meet the pod",
    });
    expect(podReadiness([], at(5))).toEqual({ is: "waiting", what: "the edge to meet the pod" });
  });

  it("waits for the pod with what keeps it from being ready", () => {
    const starting = condition({ status: "false", reason: "Starting", message: "Starting ComfyUI." });
    const what = "the pod (Starting ComfyUI.)";
    expect(podReadiness([pod(START_MS + 1, "starting", [starting])], at(5))).toEqual({ is: "waiting", what });
    expect(podReadiness([pod(START_MS + 1, "joining")], at(5))).toEqual({ is: "waiting", what: "the pod (joining)" });
  });

  it("says why the pod was not met, but not for a reason of yesterday", () => {
    const silent = { type: "Reachable", status: "unknown", reason: "NoAnswer", message: "No answer." } as const;
    const told = (sinceMs: number) => podReadiness([pod(null, "joining", [condition(silent, sinceMs)])], at(5));
    expect(told(START_MS + 1)).toEqual({ is: "waiting", what: "the edge to meet the pod (No answer.)" });
    expect(told(START_MS - 1)).toEqual({ is: "waiting", what: "the edge to meet the pod" });
  });

  it("gives up at once for a reason that only a person can take away", () => {
    const refused = condition(wrongPod);
    expect(podReadiness([pod(null, "joining", [refused])], at(200))).toEqual({ is: "hopeless", condition: refused });
  });

  it("gives such a reason of an earlier start time to be looked at again", () => {
    const refused = condition(wrongPod, START_MS - 60_000);
    expect(podReadiness([pod(null, "joining", [refused])], at(5_000))).toMatchObject({ is: "waiting" });
    expect(podReadiness([pod(null, "joining", [refused])], at(30_000))).toMatchObject({ is: "hopeless" });
  });
});
