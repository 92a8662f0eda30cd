/** A pod whose GPU becomes unhealthy and well again: its jobs wait with the reason, then run. */
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/fleet/cli.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { quick } from "../support/fleet/workflows.ts";
import { L40S } from "../support/gpu/kinds.ts";
import { writeFakeSmi } from "../support/gpu/write-fake-smi.ts";

async function gpuStatus(fleet: TestFleet, status: string): Promise<string> {
  const condition = await until(`GpuHealthy=${status}`, async () => {
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    return pod?.conditions.find((one) => one.type === "GpuHealthy" && one.status === status) ?? null;
  });
  return condition.message;
}

const STORE = { name: "store", status: "ok", message: "The store answers", fix: null };

async function healthOf({ baseUrl, apiKey }: TestFleet): Promise<[status: number, body: unknown]> {
  const { status, text } = await ask(`${baseUrl}/healthz`, { key: apiKey });
  return [status, JSON.parse(text)];
}

const cli = ({ baseUrl, apiKey }: TestFleet, ...args: string[]) =>
  runCli(args, { cwd: tmpdir(), env: { COMFYFLEET_URL: baseUrl, COMFYFLEET_KEY: apiKey } });

const doctor = (fleet: TestFleet) => cli(fleet, "doctor");

describe.each(EDGE_RUNTIMES)("a pod's GPU, with the edge on %s", (runtime) => {
  it("unhealthy: jobs wait and say so; healthy again: they run", async () => {
    using smi = writeFakeSmi(L40S);
    const env = { AGENT_NVIDIA_SMI: smi.path, AGENT_GPU_SAMPLE_MS: "200" };
    await using fleet = await startTestFleet({ runtime, env });
    await gpuStatus(fleet, "true");
    expect((await fleet.client.run(quick())).job.state).toBe("succeeded");

    smi.set({ end: { code: 255, stdout: "Failed to initialize NVML: Unknown Error", stderr: "", always: true } });
    expect(await gpuStatus(fleet, "false")).toContain("this pod gets no work");
    const job = fleet.client.run(quick());
    const waiting = await until("the job to say why it waits", async () => {
      const now = await job.get();
      return now.waiting?.reason === "pods_unhealthy" ? now.waiting : null;
    });
    // Whoever is asked says the same, with the verdict's action.
    const message = expect.stringContaining("Failed to initialize NVML: Unknown Error");
    const trouble = { name: "pod local", status: "failing", message, fix: "Replace the pod." };
    expect(await healthOf(fleet)).toEqual([503, { status: "failing", components: [STORE, trouble] }]);
    const told = await doctor(fleet);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/^FAILED {2}pod local GPU .*Unknown Error.*\n +fix: Replace the pod\.$/m);
    expect(waiting.message).toContain(
      "has an unhealthy GPU and gets no work. Failed to initialize NVML: Unknown Error.",
    );

    smi.set({ end: null });
    expect((await job).job).toMatchObject({ state: "succeeded", losses: 0, attempt: 1 });
    await gpuStatus(fleet, "true");
    expect((await doctor(fleet)).code).toBe(0);
  });

  it("without nvidia-smi: unknown, and jobs run", async () => {
    await using fleet = await startTestFleet({ runtime, env: { AGENT_NVIDIA_SMI: "no-such-nvidia-smi" } });
    expect(await gpuStatus(fleet, "unknown")).toContain("this pod keeps its work");
    expect((await fleet.client.run(quick())).job.state).toBe("succeeded");
    const fine = { name: "pod local", status: "ok", message: "The pod is ready; no GPU is watched (no nvidia-smi)" };
    expect(await healthOf(fleet)).toEqual([200, { status: "ok", components: [STORE, { ...fine, fix: null }] }]);
    const told = await doctor(fleet);
    expect(told.code, told.stdout).toBe(0);
    expect(told.stdout).toMatch(/^ok {6}pod local GPU +no GPU is watched \(no nvidia-smi\)$/m);
    expect((await cli(fleet, "pods", "ls")).stdout).not.toMatch(/Nobody knows|nvidia-smi/);
  });
});
