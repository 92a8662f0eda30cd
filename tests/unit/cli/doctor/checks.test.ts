import { describe, expect, it } from "vitest";
import { clockCheck } from "../../../../cli/doctor/check.ts";
import { denoCheck, diskCheck, freeBytesIn, nodeCheck } from "../../../../cli/doctor/machine-checks.ts";
import { knownPodChecks, livePodChecks } from "../../../../cli/doctor/pod-checks.ts";
import { type ComfyReport, type Fleet, FleetError, type Pod } from "../../../../client/mod.ts";
import type { Condition } from "../../../../contracts/pod.ts";

const GIB = 2 ** 30;

describe("checks of the machine", () => {
  it("nodeCheck() wants 24 or newer", () => {
    expect(nodeCheck("24.0.0").status).toBe("ok");
    expect(nodeCheck("26.1.0").status).toBe("ok");
    expect(nodeCheck("20.20.2")).toMatchObject({ status: "failed", fix: expect.stringContaining("Node 24") });
  });

  it("denoCheck() warns of none and of one that is too old", () => {
    expect(denoCheck("deno 2.9.6 (stable, release, x86_64)\nv8 15.0").status).toBe("ok");
    expect(denoCheck("deno 2.10.0").status).toBe("ok");
    expect(denoCheck("deno 3.0.0").status).toBe("ok");
    for (const text of ["deno 2.9.5", "deno 1.99.99", "", null]) {
      expect(denoCheck(text), String(text)).toMatchObject({
        status: "warning",
        fix: expect.stringContaining("npm install -D deno@2.9.6"),
      });
    }
  });

  it("diskCheck() fails below one GiB and warns below five", async () => {
    expect(diskCheck("x", 0.9 * GIB)).toMatchObject({
      status: "failed",
      fix: expect.stringMatching(/Make room.*JOB_RETENTION_MS/),
    });
    expect(diskCheck("x", 4 * GIB).fix).not.toContain("until an operator");
    expect(diskCheck("x", 4 * GIB).status).toBe("warning");
    expect(diskCheck("x", 6 * GIB)).toMatchObject({ status: "ok", message: "6.0 GiB free in 'x'" });
    expect(diskCheck("x", null).status).toBe("skipped");
    expect(await freeBytesIn("/no/such/folder")).toBeNull();
    expect(await freeBytesIn("/")).toBeGreaterThan(0);
  });
});

describe("clockCheck()", () => {
  const asked = { sentMs: 100_000, gotMs: 100_200 };

  it("bears what the way and whole seconds make of it", () => {
    for (const theirsMs of [95_000, 100_100, 105_200]) expect(clockCheck("c", theirsMs, asked).status).toBe("ok");
    expect(clockCheck("c", 94_500, { ...asked, roundedMs: 1_000 }).status).toBe("ok");
  });

  it("says which way it is wrong and by how much", () => {
    expect(clockCheck("c", 40_000, asked)).toMatchObject({
      status: "failed",
      message: "is 60 s behind this machine's",
    });
    expect(clockCheck("c", 130_200, asked)).toMatchObject({ message: "is 30 s ahead of this machine's" });
    expect(clockCheck("c", 130_200, asked).fix).toContain("NTP");
  });
});

describe("knownPodChecks()", () => {
  const condition = (type: Condition["type"], status: Condition["status"], reason: string): Condition => ({
    type,
    status,
    reason,
    message: `${type} is ${status}.`,
    since: "2026-01-01T00:00:00.000Z",
  });
  const GOOD = [
    condition("Reachable", "true", "BeatAnswered"),
    condition("ProtocolCompatible", "true", "VersionsMeet"),
    condition("GpuHealthy", "true", "Healthy"),
  ];

  function checks(fields: Partial<Pod>) {
    const pod = {
      name: "gpu-1",
      phase: "ready",
      slotsBusy: 0,
      slotsTotal: 1,
      conditions: GOOD,
      cordon: null,
      ...fields,
    };
    return knownPodChecks(pod as Pod, "comfyfleet").map(({ status, fix }) => `${status}${fix ? `: ${fix}` : ""}`);
  }

  it("is content with a pod that is ready", () => {
    expect(checks({})).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it("says of a pod that never answered where to look", () => {
    expect(checks({ phase: "joining", conditions: [] })).toEqual([
      expect.stringMatching(/^failed: .*EDGE_PODS/),
      "skipped",
      expect.stringMatching(/^failed: /),
      "skipped",
    ]);
  });

  it.each(
    [
      ["Unauthorized", "false", "AGENT_SECRET"],
      ["WrongPod", "false", "state directory"],
      ["NoAnswer", "unknown", "agent runs"],
      ["SomethingNewer", "false", "agent runs"],
    ] as const,
  )("has a fix for a pod that is not reachable because of %s", (reason, status, words) => {
    const [reachable] = checks({ conditions: [condition("Reachable", status, reason)] });
    expect(reachable).toMatch(new RegExp(`^failed: .*${words}`));
  });

  it("says what to do about versions, a start that lasts, and a cordon", () => {
    const other = [GOOD[0], condition("ProtocolCompatible", "false", "NoCommonVersion")] as Condition[];
    expect(checks({ conditions: other })[1]).toBe("failed: Run the same version of edge and agent.");
    expect(checks({ phase: "starting" })[2]).toBe("failed: See what ComfyUI says: comfyfleet pods logs gpu-1");
    const cordon = { since: "2026-01-01T00:00:00.000Z", reason: "", drain: false, attempts: 0 };
    expect(checks({ cordon })[2]).toBe("warning: comfyfleet pods uncordon gpu-1");
  });
});

describe("the line about a pod's GPU", () => {
  const cpu = { comfyMode: "supervised", devices: [{ name: "cpu", type: "cpu", vramTotalBytes: null }] };
  const cuda = { comfyMode: "supervised", devices: [{ name: "cuda:0", type: "cuda", vramTotalBytes: 1 }] };

  function gpuLine(condition: Pick<Condition, "status" | "reason" | "message"> | null, capability: unknown = cuda) {
    const since = "2026-01-01T00:00:00.000Z";
    const conditions = condition === null ? [] : [{ type: "GpuHealthy", since, ...condition }];
    const pod = { name: "gpu-1", phase: "ready", cordon: null, capability, conditions };
    const found = knownPodChecks(pod as unknown as Pod, "comfyfleet").filter(({ name }) => name === "pod gpu-1 GPU");
    expect(found).toHaveLength(1);
    return found[0];
  }

  it("fails with the reason and the verdict's action", () => {
    const message = "The GPU is unhealthy: this pod gets no work. It is lost. Replace the pod. Avoid this node.";
    expect(gpuLine({ status: "false", reason: "GpuLost", message })).toMatchObject({
      status: "failed",
      message,
      fix: "Replace the pod. Avoid this node.",
    });
  });

  it("fails with where to look when the verdict asks for nothing", () => {
    const hot = { status: "false", reason: "Hot", message: "The GPU is degraded: this pod gets work last." } as const;
    expect(gpuLine(hot)).toMatchObject({ status: "failed", fix: expect.stringContaining("comfyfleet pods get gpu-1") });
  });

  const unknown = { status: "unknown", message: "Nobody knows how the GPU is: this pod keeps its work." } as const;

  it("is content where no GPU is watched and none is used", () => {
    expect(gpuLine({ ...unknown, reason: "SmiMissing" }, cpu)).toMatchObject({
      status: "ok",
      message: "no GPU is watched (no nvidia-smi)",
    });
    expect(gpuLine({ ...unknown, reason: "NoGpu" }, cpu)?.status).toBe("ok");
  });

  it("warns, with what to do, where a GPU is used that nobody watches", () => {
    expect(gpuLine({ ...unknown, reason: "SmiMissing" })).toMatchObject({
      status: "warning",
      fix: expect.stringContaining("AGENT_NVIDIA_SMI"),
    });
    expect(gpuLine({ ...unknown, reason: "NotPermitted" }, cpu)?.status).toBe("warning");
    expect(gpuLine({ ...unknown, reason: "SomethingNewer" })).toMatchObject({
      status: "warning",
      fix: expect.any(String),
    });
  });

  it("is skipped of an agent that judges none", () => {
    expect(gpuLine(null)?.status).toBe("skipped");
  });
});

describe("livePodChecks()", () => {
  async function checks(report: Partial<ComfyReport> | FleetError) {
    const query = () => (FleetError.is(report) ? Promise.reject(report) : Promise.resolve(report));
    const fleet = { call: (work: () => unknown) => work(), pod: () => ({ comfy: { status: { query } } }) };
    const found = await livePodChecks(fleet as unknown as Fleet, { name: "gpu-1" } as Pod, "comfyfleet");
    return found.map(({ name, status, fix }) => `${name} ${status}${fix ? `: ${fix}` : ""}`);
  }
  const down = { state: "backoff", reason: "Crashed", message: "It ended.\nIts last words", takesJobs: false } as const;

  it("is content with a ComfyUI that takes jobs and a clock that agrees", async () => {
    const now = new Date().toISOString();
    expect(await checks({ takesJobs: true, message: "Ready.", now })).toEqual([
      "pod gpu-1 ComfyUI ok",
      "pod gpu-1 clock ok",
    ]);
  });

  it("says of one that is down what to type, and where it is not the agent's to restart", async () => {
    const now = new Date(Date.now() - 60_000).toISOString();
    expect(await checks({ ...down, mode: "supervised", now })).toEqual([
      expect.stringMatching(/^pod gpu-1 ComfyUI failed: .*'comfyfleet pods logs gpu-1'.*pods restart gpu-1/),
      expect.stringMatching(/^pod gpu-1 clock failed: .*NTP/),
    ]);
    expect((await checks({ ...down, mode: "attached", now }))[0]).toMatch(/attached/);
  });

  it("passes on what the edge says of a pod that does not answer", async () => {
    const refusal = new FleetError("agent_unreachable", "Cannot reach the agent", { hint: "Look at the network." });
    expect(await checks(refusal)).toEqual(["pod gpu-1 ComfyUI failed: Look at the network."]);
  });
});
