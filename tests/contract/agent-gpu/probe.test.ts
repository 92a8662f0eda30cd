// The probe with a real process: a program that plays nvidia-smi, whose words the test changes while it runs.
import { spawn } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../../agent/comfy/clock.ts";
import { GpuService } from "../../../agent/gpu/gpu-service.ts";
import { smiEnvironment } from "../../../agent/gpu/smi/environment.ts";
import { smiStarter } from "../../../agent/gpu/smi/process.ts";
import { isRunning } from "../../support/comfy/supervised.ts";
import { createSilentLogger } from "../../support/comfy/silent-logger.ts";
import { A100_MIG, B200, bare, type GpuKind, H100, L40S, RTX_4090, without } from "../../support/gpu/kinds.ts";
import { type FakeSmi, writeFakeSmi } from "../../support/gpu/write-fake-smi.ts";
import { AgentProcess, until } from "../agent/agent-process.ts";
import { finalReport, imageGraph, order, POD_ID } from "../agent/orders.ts";

const INTERVAL_MS = 200;
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function fakeSmi(kind: GpuKind): FakeSmi {
  const smi = writeFakeSmi(kind);
  closing.push(() => smi[Symbol.dispose]());
  return smi;
}

function probe(path: string): GpuService {
  const gpu = new GpuService({
    startSmi: smiStarter({ path, env: smiEnvironment(process.env), spawn }),
    clock: systemClock,
    random: Math.random,
    logger: createSilentLogger(),
    intervalMs: INTERVAL_MS,
  });
  closing.push(() => gpu.stop());
  gpu.start();
  return gpu;
}

function verdictOf(gpu: GpuService, expected: object) {
  return vi.waitFor(() => expect(gpu.current).toMatchObject(expected), { timeout: 20_000, interval: 20 });
}

describe("the probe of a running nvidia-smi", () => {
  it.each([L40S, H100, RTX_4090, A100_MIG, B200])("reads $name", async (kind) => {
    const gpu = probe(fakeSmi(kind).path);
    await verdictOf(gpu, { state: "healthy", reasons: [] });
    const { gpus, problem } = await gpu.sample();
    expect([problem, gpus.map(({ name }) => name)]).toEqual([null, [kind.idle.name]]);
  });

  it("follows what it says while it runs, with one process for all samples", async () => {
    const smi = fakeSmi(without(H100, "temperature.gpu.tlimit"));
    const gpu = probe(smi.path);
    await verdictOf(gpu, { state: "healthy" });
    smi.set({ gpus: [bare(H100.idle), { ...bare(H100.load), "index": "1", "uuid": "GPU-00000001-0000" }] });
    await vi.waitFor(async () => expect((await gpu.sample()).gpus).toHaveLength(2), { timeout: 20_000 });
    smi.set({ gpus: [{ ...bare(H100.idle), gpu_recovery_action: "Reset" }] });
    await verdictOf(gpu, { state: "unhealthy", action: "replace_pod", nodeHint: "reset_gpu" });
    await vi.waitFor(() => expect(gpu.current.reasons.map(({ code }) => code)).toContain("gpu_missing"), {
      timeout: 20_000,
    });
    expect(smi.runs().map(({ args }) => args[0]?.slice(0, 11))).toEqual(["--help-quer", "--query-gpu"]);
  });

  it("kills one that hangs, and heals with the next", async () => {
    const smi = fakeSmi(L40S);
    const gpu = probe(smi.path);
    await verdictOf(gpu, { state: "healthy" });
    const [hung] = smi.runs().slice(-1);
    smi.set({ end: "hang" });
    await verdictOf(gpu, { state: "unhealthy", reasons: [{ code: "probe_hung" }] });
    smi.set({ end: null });
    await verdictOf(gpu, { state: "healthy" });
    expect(smi.runs().length).toBeGreaterThan(2);
    expect(isRunning(hung?.pid ?? 0)).toBe(false);
  });

  it.each([
    [
      "no driver",
      { code: 9, stdout: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." },
      "no_gpu",
    ],
    ["no devices", { code: 6, stdout: "No devices were found" }, "no_gpu"],
    [
      "a mismatch",
      { code: 18, stdout: "Failed to initialize NVML: Driver/library version mismatch" },
      "driver_mismatch",
    ],
    ["lost cgroup", { code: 255, stdout: "Failed to initialize NVML: Unknown Error" }, "nvml_unknown_error"],
    ["no permission", { code: 4, stdout: "Failed to initialize NVML: Insufficient Permissions" }, "not_permitted"],
    ["a lost GPU", { code: 15, stdout: "" }, "gpu_lost"],
    ["a crash", { code: 139, stdout: "" }, "probe_failed"],
  ])("says what it is: %s", async (_name, end, code) => {
    const smi = fakeSmi(L40S);
    smi.set({ end: { stderr: "", always: true, ...end } });
    await verdictOf(probe(smi.path), { reasons: [{ code }] });
  });

  it("hears words on standard error, and lives through lines that are no rows", async () => {
    const smi = fakeSmi(L40S);
    smi.set({ lines: ["index, uuid, name", "x".repeat(100_000), "\u0000\u0001"] });
    const gpu = probe(smi.path);
    await verdictOf(gpu, { state: "healthy" });
    smi.set({ end: { code: 1, stdout: "", stderr: "GPU is lost", always: true } });
    await verdictOf(gpu, { state: "unhealthy", reasons: [{ code: "gpu_lost" }] });
  });

  it("says that the program is missing, or may not be run", async () => {
    await verdictOf(probe("no-such-nvidia-smi"), { state: "unknown", reasons: [{ code: "smi_missing" }] });
    await verdictOf(probe("/"), { state: "unknown", reasons: [{ code: "probe_failed" }] });
  });

  it("stop() leaves no process behind", async () => {
    const smi = fakeSmi(L40S);
    const gpu = probe(smi.path);
    await verdictOf(gpu, { state: "healthy" });
    await gpu.stop();
    expect(smi.runs().map(({ pid }) => isRunning(pid))).toEqual([false, false]);
  });
});

describe("an agent with GPUs", () => {
  const beat = {
    podId: POD_ID,
    edgeId: "edge_00000000000000000000000001",
    leaseMs: 15_000,
    cancel: [],
    known: [],
  } as const;

  it("tells its edge of every change, in words and as a verdict, and ends its probe with itself", async () => {
    const smi = fakeSmi(L40S);
    const settings = { AGENT_NVIDIA_SMI: smi.path, AGENT_GPU_SAMPLE_MS: String(INTERVAL_MS) };
    const agent = await new AgentProcess(settings).start();
    closing.push(() => agent[Symbol.asyncDispose]());
    const say = async () => await agent.client.pod.beat.mutate({ ...beat, epoch: 1, cancel: [], known: [] });
    await until(async () => (await say()).verdict?.state === "healthy" ? true : null, () => agent.log);
    expect(await agent.client.gpu.sample.query()).toMatchObject({ problem: null, gpus: [{ name: "NVIDIA L40S" }] });
    const events: unknown[] = [];
    const watching = agent.client.pod.watch.subscribe(undefined, { signal: new AbortController().signal });
    void (async () => {
      for await (const event of watching) if (event.type === "pod") events.push(event.verdict?.state);
    })().catch(() => undefined);
    await until(() => events.includes("healthy") || null, () => JSON.stringify(events));
    smi.set({ gpus: [{ ...bare(L40S.idle), "remapped_rows.failure": "Yes" }] });
    await until(() => events.includes("unhealthy") || null, () => JSON.stringify(events));
    const { verdict, conditions } = await say();
    expect(verdict).toMatchObject({ action: "replace_pod", reasons: [{ code: "row_remap_failed" }] });
    expect(await agent.client.gpu.verdict.query()).toEqual(verdict);
    expect(conditions).toContainEqual(expect.objectContaining({ type: "GpuHealthy", reason: "RowRemapFailed" }));
    await agent.end("SIGKILL");
    const isAnyLeft = () => smi.runs().some(({ pid }) => isRunning(pid));
    await until(() => isAnyLeft() ? null : true, () => "nvidia-smi outlives its agent");
  });

  it("without nvidia-smi: runs a job, its health unknown", async () => {
    const agent = await new AgentProcess({ AGENT_NVIDIA_SMI: "no-such-nvidia-smi" }).start();
    closing.push(() => agent[Symbol.asyncDispose]());
    await agent.ready();
    const { verdict } = await agent.client.pod.beat.mutate({ ...beat, epoch: 1, cancel: [], known: [] });
    expect(verdict).toMatchObject({ state: "unknown", action: "none", reasons: [{ code: "smi_missing" }] });
    const start = order(imageGraph(), { epoch: 1 });
    await agent.client.attempts.start.mutate(start);
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "succeeded" });
  });
});
