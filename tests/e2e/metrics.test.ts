/** `/metrics` of edge and agent: who may read it, that a strict reader takes it, and what it says after jobs of every end. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_SERIES } from "../../contracts/telemetry/metrics.ts";
import { reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { ask } from "../support/fleet/http.ts";
import { overSocket } from "../support/fleet/over-socket.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { L40S } from "../support/gpu/kinds.ts";
import { writeFakeSmi } from "../support/gpu/write-fake-smi.ts";
import { parsePrometheus, sample } from "../support/telemetry/prometheus.ts";
import { AGENT_METRICS } from "../../agent/telemetry/agent-metrics.ts";
import { EDGE_METRICS } from "../../proxy/telemetry/edge-metrics.ts";

async function read(url: string, key: string) {
  const answer = await ask(`${url}/metrics`, { key });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parsePrometheus(answer.text);
}

const edgeMetrics = (fleet: TestFleet) => read(fleet.baseUrl, fleet.apiKey);
const agentMetrics = (fleet: TestFleet) => read(fleet.agentUrl, fleet.agentSecret);

describe.each(EDGE_RUNTIMES)("metrics of a fleet with the edge on %s", (runtime) => {
  it("count a succeeded, a failed and a lost job, each once", async () => {
    using smi = writeFakeSmi(L40S);
    const env = {
      ...{ POD_BEAT_MS: "200", POD_UNREACHABLE_MS: "700", POD_LOST_MS: "2000", JOB_MAX_LOSSES: "0" },
      ...{ AGENT_NVIDIA_SMI: smi.path, AGENT_GPU_SAMPLE_MS: "200" },
    };
    await using fleet = await startTestFleet({ runtime, env, standInArgs: ["--step-ms", "20"] });
    const { outputs } = await fleet.client.run(quick());
    const outputBytes = outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(outputBytes).toBeGreaterThan(0);
    const failing = fleet.client.run(slow(2_000), {}, { runWithinMs: 1_000 });
    await expect(failing.result()).rejects.toMatchObject({ code: "timeout" });

    const onPod = await agentMetrics(fleet);
    expect([...onPod.keys()]).toEqual(Object.keys(AGENT_METRICS));
    expect(sample(onPod, 'comfyfleet_agent_attempts_total{outcome="succeeded"}')).toBe(1);
    expect(sample(onPod, 'comfyfleet_agent_attempts_total{outcome="failed"}')).toBe(1);
    expect(sample(onPod, "comfyfleet_agent_output_bytes_total")).toBe(outputBytes);
    expect(sample(onPod, 'comfyfleet_slot_busy{slot="0"}')).toBe(0);
    expect(sample(onPod, "comfyfleet_comfy_ready")).toBe(1);
    expect(sample(onPod, 'comfyfleet_gpu_verdict{state="healthy"}')).toBe(1);
    expect(sample(onPod, 'comfyfleet_gpu_memory_total_bytes{gpu="0"}')).toBeGreaterThan(4e10);
    expect(sample(onPod, 'comfyfleet_gpu_utilization_ratio{gpu="0"}')).toBeLessThanOrEqual(1);

    const job = fleet.client.run(slow(500));
    await reached(job.watch(), 0.01);
    const busy = await until("the slot to be busy", async () => {
      const families = await edgeMetrics(fleet);
      return sample(families, 'comfyfleet_slots{state="busy"}') === 1 ? families : null;
    });
    expect(sample(busy, 'comfyfleet_pods{phase="ready"}')).toBe(1);
    expect(sample(await agentMetrics(fleet), 'comfyfleet_slot_busy{slot="0"}')).toBe(1);
    await fleet.agent.kill();
    await expect(job).rejects.toMatchObject({ code: "pod_lost" });

    const families = await edgeMetrics(fleet);
    expect([...families.keys()]).toEqual(Object.keys(EDGE_METRICS));
    const values: [string, number][] = [
      ["comfyfleet_jobs_submitted_total", 3],
      ['comfyfleet_jobs_total{status="succeeded"}', 1],
      ['comfyfleet_jobs_total{status="failed"}', 2],
      ['comfyfleet_jobs_total{status="canceled"}', 0],
      ['comfyfleet_attempts_total{outcome="succeeded"}', 1],
      ['comfyfleet_attempts_total{outcome="failed"}', 1],
      ['comfyfleet_attempts_total{outcome="lost"}', 1],
      ["comfyfleet_lease_expired_total", 1],
      ["comfyfleet_job_queue_seconds_count", 2],
      ["comfyfleet_job_execution_seconds_count", 2],
      ["comfyfleet_job_collect_seconds_count", 2],
      ["comfyfleet_output_bytes_total", outputBytes],
      ['comfyfleet_pods{phase="lost"}', 1],
      ['comfyfleet_pods{phase="ready"}', 0],
      ['comfyfleet_edge_agent_call_seconds_count{procedure="attempts.start"}', 3],
      ['comfyfleet_http_request_seconds_count{route="jobs.submit"}', 3],
      ["comfyfleet_spans_exported_total", 0],
    ];
    for (const [key, value] of values) expect([key, sample(families, key)]).toEqual([key, value]);
    expect(sample(families, 'comfyfleet_edge_agent_call_seconds_count{procedure="pod.beat"}')).toBeGreaterThan(0);
    // The picture came along with the report of it.
    const fetched = 'comfyfleet_edge_agent_call_seconds_count{procedure="outputs.get"}';
    expect(() => sample(families, fetched)).toThrow("no sample");
    expect(sample(families, "comfyfleet_job_execution_seconds_sum")).toBeLessThan(10);
  });

  it("are for keys with metrics:read, and on the pod for its secret or its own socket", async () => {
    await using fleet = await startTestFleet({ runtime });
    expect((await ask(`${fleet.baseUrl}/metrics`)).status).toBe(401);
    const keys = fleet.client.trpc.keys.create;
    const tenant = await keys.mutate({});
    expect((await ask(`${fleet.baseUrl}/metrics`, { key: tenant.key })).error?.code).toBe("forbidden");
    const scraper = await keys.mutate({ scopes: ["metrics:read"] });
    await read(fleet.baseUrl, scraper.key);
    expect((await ask(`${fleet.agentUrl}/metrics`)).status).toBe(401);
    await agentMetrics(fleet);
    const { status, body } = await overSocket(join(fleet.dataDir, "agent", "health.sock"), "/metrics");
    expect(status).toBe(200);
    expect([...parsePrometheus(body).keys()]).toEqual(Object.keys(AGENT_METRICS));
  });

  it("stay as few whatever callers ask for", async () => {
    await using fleet = await startTestFleet({ runtime });
    for (let n = 0; n < 150; n += 1) await ask(`${fleet.baseUrl}/trpc/nowhere${n}?x=${n}`, { key: fleet.apiKey });
    for (const family of (await edgeMetrics(fleet)).values()) {
      const series = new Set([...family.samples.keys()].map((key) => key.replace(/,?le="[^"]*"/, "")));
      expect(series.size).toBeLessThan(MAX_SERIES);
    }
    const routes = await edgeMetrics(fleet);
    expect(sample(routes, 'comfyfleet_http_request_seconds_count{route="other"}')).toBe(150);
  });
});
