import { describe, expect, it } from "vitest";
import type { Condition, Pod } from "../../../../contracts/pod.ts";
import { podHealth } from "../../../../proxy/http/pod-health.ts";

const SINCE = "2026-01-01T00:00:00.000Z";

function condition(type: Condition["type"], status: Condition["status"], fields: Partial<Condition> = {}): Condition {
  return { type, status, reason: "Test", message: `${type} is ${status}.`, since: SINCE, ...fields };
}

const GOOD = [
  condition("Reachable", "true"),
  condition("ProtocolCompatible", "true"),
  condition("ComfyReady", "true"),
  condition("GpuHealthy", "true"),
];

function capability(type: string, comfyMode: "supervised" | "attached" = "supervised"): Pod["capability"] {
  const devices = [{ name: `${type}:0`, type, vramTotalBytes: null }];
  return { agentVersion: "1.0.0", comfyVersion: "0.30.0", comfyMode, devices, objectInfoSha256: null };
}

function pod(changes: Partial<Pod> & { changed?: Condition } = {}): Pod {
  const { changed, ...fields } = changes;
  const conditions = GOOD.map((one) => one.type === changed?.type ? changed : one);
  const rest = { bootId: null, slotsTotal: 1, slotsBusy: 0, cordon: null, dev: false };
  const times = { createdAt: SINCE, lastSeenAt: SINCE };
  const id = "pod_00000000000000000000000001";
  return {
    id,
    name: "gpu-1",
    phase: "ready",
    capability: capability("cuda"),
    conditions,
    ...rest,
    ...times,
    ...fields,
  };
}

describe("podHealth()", () => {
  it("is content with a pod that works, and with one that an operator has cordoned", () => {
    const fine = { name: "pod gpu-1", status: "ok", fix: null };
    expect(podHealth(pod())).toEqual({ ...fine, message: "The pod is ready" });
    const cordon = { since: SINCE, reason: "fans", drain: true, attempts: 1 };
    expect(podHealth(pod({ phase: "draining", cordon }))).toEqual({
      ...fine,
      message: "The pod is draining and cordoned",
    });
  });

  it("fails with a GPU that is not healthy, and says the verdict's action", () => {
    const message = "The GPU is unhealthy: this pod gets no work. It is lost. Replace the pod. Avoid this node.";
    const changed = condition("GpuHealthy", "false", { reason: "GpuLost", message });
    expect(podHealth(pod({ changed }))).toMatchObject({
      status: "failing",
      message,
      fix: "Replace the pod. Avoid this node.",
    });
  });

  it.each([["SmiMissing", "no nvidia-smi"], ["NoGpu", "nvidia-smi finds none"]])(
    "is content with a pod for the CPU whose GPU is unknown because of %s, and says so",
    (reason, why) => {
      const changed = condition("GpuHealthy", "unknown", { reason });
      expect(podHealth(pod({ changed, capability: capability("cpu") }))).toEqual({
        name: "pod gpu-1",
        status: "ok",
        message: `The pod is ready; no GPU is watched (${why})`,
        fix: null,
      });
    },
  );

  it("is content with a GPU that nobody watches, because it keeps its work, but says what to do", () => {
    const changed = condition("GpuHealthy", "unknown", { reason: "SmiMissing" });
    expect(podHealth(pod({ changed }))).toMatchObject({
      status: "ok",
      message: "The pod is ready. GpuHealthy is unknown.",
      fix: expect.stringContaining("AGENT_NVIDIA_SMI"),
    });
  });

  it.each(
    [
      ["Reachable", "unknown", "NoAnswer", "EDGE_PODS"],
      ["Reachable", "false", "Unauthorized", "AGENT_SECRET"],
      ["Reachable", "false", "WrongPod", "state directory"],
      ["ProtocolCompatible", "false", "NoCommonVersion", "same version"],
      ["ComfyReady", "false", "Crashed", "'comfyfleet pods logs gpu-1'"],
    ] as const,
  )("fails with %s=%s (%s) and has words of its own for it", (...[type, status, reason, words]) => {
    const changed = condition(type, status, { reason });
    expect(podHealth(pod({ changed, phase: type === "Reachable" ? "ready" : "starting" }))).toMatchObject({
      status: "failing",
      message: `${type} is ${status}.`,
      fix: expect.stringContaining(words),
    });
  });

  it("sends nobody to the agent for a ComfyUI that it is attached to", () => {
    const changed = condition("ComfyReady", "false", { reason: "Stopped" });
    const { fix } = podHealth(pod({ changed, capability: capability("cpu", "attached") }));
    expect(fix).toContain("where it runs");
  });

  it("fails with a pod that has not answered yet", () => {
    expect(podHealth(pod({ phase: "joining", conditions: [], capability: null }))).toMatchObject({
      status: "failing",
      message: "The pod is joining",
      fix: expect.stringContaining("EDGE_PODS"),
    });
  });
});
