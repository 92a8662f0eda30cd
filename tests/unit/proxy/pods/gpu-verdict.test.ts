import { describe, expect, it } from "vitest";
import type { GpuState, GpuVerdict } from "../../../../contracts/agent/gpu.ts";
import type { Condition } from "../../../../contracts/pod.ts";
import { readyCondition } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "./pod-side.ts";

const since = "2026-01-01T00:00:00.000Z";

function verdict(state: GpuState, detail = "GPU 0 is as it is."): GpuVerdict {
  const reasons = state === "healthy" ? [] : [{ code: "test", gpu: null, detail, firstSeen: since, count: 1 }];
  return { state, since, seq: 1, reasons, action: "none", nodeHint: null };
}

const gpuCondition: Condition = {
  type: "GpuHealthy",
  status: "false",
  reason: "Test",
  message: "The GPU is unhealthy.",
  since,
};

describe("a pod's verdict at the edge", () => {
  it("reaches the planner with a beat, and the store as a condition", async () => {
    await using side = await setUpPodSide();
    side.agent.verdict = verdict("unhealthy");
    side.agent.conditions = [readyCondition(), gpuCondition];
    await side.start();
    expect(side.live()).toMatchObject({ accepting: true, gpu: { state: "unhealthy", why: "GPU 0 is as it is." } });
    const stored = await side.store.getPod(side.podId);
    expect(stored?.conditions).toContainEqual(gpuCondition);
  });

  it("is brought forward by an event, which tells the planner", async () => {
    await using side = await setUpPodSide();
    await side.start();
    expect(side.live().gpu).toEqual({ state: "unknown", why: null });
    let told = 0;
    side.signals.on("pods", () => (told += 1));
    side.agent.verdict = verdict("degraded", "x".repeat(1_000));
    side.agent.changed();
    await until(() => side.live().gpu.state === "degraded");
    expect(told).toBeGreaterThan(0);
    expect(side.live().gpu.why).toHaveLength(301);
    side.agent.verdict = verdict("healthy");
    side.agent.changed();
    await until(() => side.live().gpu.state === "healthy");
    expect(side.live().gpu.why).toBeNull();
  });

  it("is unknown of an agent that has none to give, and the pod gets work", async () => {
    await using side = await setUpPodSide();
    const { fetch } = side.agent;
    side.agent.fetch = async (request) => {
      const response = await fetch(request);
      if (!request.url.includes("/pod.beat")) return response;
      const body = await response.json() as { result: { data: { json: Record<string, unknown> } } };
      delete body.result.data.json.verdict;
      return Response.json(body);
    };
    await side.start();
    expect(side.live()).toMatchObject({ accepting: true, freeSlots: 1, gpu: { state: "unknown", why: null } });
  });
});
