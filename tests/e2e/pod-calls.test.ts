/** An operator's calls to a pod, passed through an edge on both runtimes: who may, what gets through, how streams end. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet, type LogEvent } from "../../client/mod.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { Scope } from "../../contracts/tenant.ts";
import { connectionsTo } from "../support/fleet/connections.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { ask, postText } from "../support/fleet/http.ts";
import { startPodFleet } from "../support/fleet/pod-fleet.ts";
import { quick } from "../support/fleet/workflows.ts";
import { L40S } from "../support/gpu/kinds.ts";
import { writeFakeSmi } from "../support/gpu/write-fake-smi.ts";

describe.each(EDGE_RUNTIMES)("calls to a pod, through an edge on %s", (runtime) => {
  let fleet: TestFleet;
  let podId: PodId;

  beforeAll(async () => {
    ({ fleet, podId } = await startPodFleet(runtime));
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const url = (rest: string) => `${fleet.baseUrl}/pods/${podId}/trpc/${rest}`;

  async function keyWith(...scopes: Scope[]) {
    const created = await fleet.client.trpc.keys.create.mutate({ scopes });
    return { ...created, client: createFleet({ baseUrl: fleet.baseUrl, apiKey: created.key }) };
  }

  /** Sent as it is: fetch and URL would mend it first. */
  function rawStatus(path: string, method = "GET"): Promise<number> {
    const { hostname, port } = new URL(fleet.baseUrl);
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${fleet.apiKey}`, "content-length": "0" };
      const call = request({ hostname, port, path, method, headers, timeout: 10_000 }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      call.on("error", reject).end();
    });
  }

  it("answers its own contract, typed, with the scopes that its procedures name", async () => {
    const pod = fleet.client.pod(podId);
    expect(await pod.pod.describe.query()).toMatchObject({ podId, protocol: { min: 1 } });
    expect(await pod.comfy.status.query()).toMatchObject({ mode: "supervised", state: "ready", takesJobs: true });
    const { lines } = await pod.comfy.logs.query({ lines: 500 });
    expect(lines.map(({ text }) => text).join("\n")).toContain("To see the GUI");
    expect(await pod.comfy.free.mutate()).toMatchObject({ status: "asked" });

    const reader = (await keyWith("pods:read")).client;
    expect(await reader.pod(podId).comfy.status.query()).toMatchObject({ state: "ready" });
    const tenant = (await keyWith("jobs:read", "jobs:write")).client;
    const refused = [
      () => reader.pod(podId).comfy.logs.query({}),
      () => reader.pod(podId).comfy.restart.mutate({}),
      () => reader.podLogs(podId)[Symbol.asyncIterator]().next(),
      () => tenant.pod(podId).comfy.status.query(),
      () => tenant.pod(podId).gpu.sample.query(),
      () => tenant.pod(podId).gpu.verdict.query(),
      () => fleet.client.pod(podId).pod.beat.mutate({} as never),
      () => fleet.client.pod(podId).attempts.cancel.mutate({} as never),
    ];
    for (const call of refused) {
      await expect(fleet.client.call(() => call() as Promise<unknown>)).rejects.toMatchObject({
        code: "forbidden",
        retryable: false,
      });
    }
  });

  it("tells its GPU's sample and verdict, with the scope to see pods", async () => {
    using smi = writeFakeSmi(L40S);
    const env = { AGENT_NVIDIA_SMI: smi.path, AGENT_GPU_SAMPLE_MS: "200" };
    await using own = await startTestFleet({ runtime, env });
    const [shown] = (await own.client.trpc.pods.list.query({})).items;
    const { key } = await own.client.trpc.keys.create.mutate({ scopes: ["pods:read"] });
    const { gpu } = createFleet({ baseUrl: own.baseUrl, apiKey: key }).pod(shown?.id ?? podId);
    const judged = async (state: string) =>
      await until(`a GPU that is ${state}`, async () => {
        const verdict = await gpu.verdict.query();
        return verdict.state === state ? verdict : null;
      });
    const healthy = await judged("healthy");
    expect(healthy).toMatchObject({ reasons: [], action: "none", nodeHint: null });
    const sample = await gpu.sample.query();
    expect(sample).toMatchObject({ problem: null, gpus: [{ index: 0, name: "NVIDIA L40S", recoveryAction: "None" }] });
    expect(Date.parse(sample.sampledAt ?? "")).toBeGreaterThan(Date.now() - 60_000);

    smi.set({ end: { code: 15, stdout: "GPU is lost", stderr: "", always: true } });
    expect(await judged("unhealthy")).toMatchObject({
      reasons: [{ code: "gpu_lost", detail: expect.stringContaining("GPU is lost") }],
      action: "replace_pod",
      nodeHint: "reboot",
    });
    const failed = await gpu.sample.query();
    expect(failed).toMatchObject({ problem: expect.stringContaining("GPU is lost"), gpus: [{ name: "NVIDIA L40S" }] });
  });

  it("says that nobody watches a GPU where there is no nvidia-smi", async () => {
    const { gpu } = fleet.client.pod(podId);
    expect(await gpu.verdict.query()).toMatchObject({
      state: "unknown",
      reasons: [{ code: "smi_missing", gpu: null }],
      action: "none",
    });
    expect(await gpu.sample.query()).toMatchObject({ sampledAt: null, gpus: [], problem: expect.any(String) });
  });

  it("is reached by one procedure at a time, whatever the path tries", async () => {
    const paths = [
      `/pods/${podId}/trpc/comfy.status,pod.beat?batch=1`,
      `/pods/${podId}/trpc/comfy.status?batch=1`,
      `/pods/${podId}/trpc/comfy.status%2cpod.beat`,
      `/pods/${podId}/trpc/comfy.status%2f..%2fpod.beat`,
      `/pods/${podId}/trpc/..%2f..%2finputs`,
      `/pods/${podId}/trpc/../../../trpc/keys.list`,
      `/pods/${podId}/trpc/%2e%2e/%2e%2e/inputs/abc`,
      `/pods/${podId}/trpc//comfy.status`,
      `/pods/${podId}/trpc/pod.beat`,
      `/pods/${podId}/trpc/pod.watch`,
      `/pods/${podId}/trpc/attempts.get`,
      `/pods/${podId}/object-info/abc`,
      `/pods/${podId}%2ftrpc%2fcomfy.status`,
      `/pods/%00/trpc/comfy.status`,
      `/pods/../trpc/nothing.there`,
      `/pods/${podId}/trpc/%`,
      `/pods/%E0%A4%A/trpc/comfy.status`,
      `/pods`,
      `/pods/`,
    ];
    for (const path of paths) {
      for (const method of ["GET", "POST"]) {
        const status = await rawStatus(path, method);
        expect([400, 403, 404], `${method} ${path} is ${status}`).toContain(status);
      }
    }
    expect(await rawStatus(`/pods/${podId}/trpc/comfy.status`)).toBe(200);
    expect(fleet.agent.log()).not.toMatch(/"level":"error"/);
  });

  it("is given no header of the caller's but tRPC's, and refusals are in tRPC's envelope", async () => {
    const missing = await ask(url("comfy.status"));
    expect(missing).toMatchObject({ status: 401, error: { code: "unauthorized" } });
    // The agent would refuse a foreign authorization; a cookie of its own must not come back.
    const headers = { cookie: "a=b", te: "trailers", "x-request-id": "find-me-there" };
    const answer = await ask(url("comfy.status"), { key: fleet.apiKey, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).toBe("find-me-there");
    expect(answer.headers.get("set-cookie")).toBeNull();
    const bad = await postText(url("comfy.restart"), "{not json", fleet.apiKey);
    expect(bad).toMatchObject({ status: 400, error: { code: "invalid_json" } });
    const large = await postText(url("comfy.restart"), `{"json":{"reason":"${"x".repeat(5_000_000)}"}}`, fleet.apiKey);
    expect(large).toMatchObject({ status: 413, error: { code: "payload_too_large" } });
    const unknown = `${fleet.baseUrl}/pods/pod_01jd8qf2e0f0x8j3m5p7q9s1tv/trpc/comfy.status`;
    expect(await ask(unknown, { key: fleet.apiKey })).toMatchObject({ status: 404, error: { code: "not_found" } });
  });

  it("podLogs() follows its ComfyUI until it is aborted", async () => {
    const stop = new AbortController();
    const seen: LogEvent[] = [];
    const followed = (async () => {
      for await (const event of fleet.client.podLogs(podId, { signal: stop.signal })) seen.push(event);
    })().catch((error: unknown) => error);
    await until("the log to say what a job makes ComfyUI say", async () => {
      await fleet.client.run(quick());
      return seen.some(({ type, ...event }) => type === "line" && JSON.stringify(event).includes("got prompt")) || null;
    });
    stop.abort();
    expect(await followed).toBe(stop.signal.reason);
  });

  it("podLogs() goes on over a restart of the edge with nothing missed, and holds up no stop of it", async () => {
    const own = await startTestFleet({ runtime });
    await using _ = own;
    const [pod] = (await own.client.trpc.pods.list.query({})).items;
    const stop = new AbortController();
    const numbers: number[] = [];
    const followed = (async () => {
      const lines = own.client.podLogs(String(pod?.id), { lines: 2_000, signal: stop.signal });
      for await (const event of lines) if (event.type === "line") numbers.push(event.line.number);
    })().catch(() => {});
    await until("lines", () => numbers.length > 0 || null);
    const { code, tookMs } = await own.edge.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(2_000);
    own.edge.start();
    await own.waitReady();
    const before = numbers.length;
    await own.client.run(quick());
    await until("lines of after the restart", () => numbers.length > before || null);
    stop.abort();
    await followed;
    expect(numbers).toEqual(numbers.map((_number, at) => (numbers[0] ?? 0) + at));
  });

  it("lets go of the pod when a caller leaves in the middle of a stream", async () => {
    const port = Number(new URL(fleet.agentUrl).port);
    const callers = Array.from({ length: 30 }, () => new AbortController());
    const headers = { authorization: `Bearer ${fleet.apiKey}`, accept: "text/event-stream" };
    const target = url("comfy.followLogs?input=%7B%22json%22%3A%7B%22lines%22%3A1%7D%7D");
    const responses = await Promise.all(callers.map(({ signal }) => fetch(target, { headers, signal })));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    const streams = responses.map((response) => response.text().catch(() => "cut"));
    const open = connectionsTo(port);
    expect(open.size).toBeGreaterThanOrEqual(callers.length);
    for (const caller of callers) caller.abort();
    await Promise.all(streams);
    // Node's fetch opens others in their place, for calls to come: these very ones must be gone.
    await until("the connections to end", () => {
      return connectionsTo(port).intersection(open).size < callers.length / 2 ? true : null;
    }, 2_000);
  });

  it("a stream ends within five seconds of its key's revocation", async () => {
    const { client, id } = await keyWith("pods:operate");
    const followed = (async () => {
      for await (const _ of client.podLogs(podId, { lines: 1 })) { /* until it ends */ }
    })().catch((error: unknown) => error);
    await client.pod(podId).comfy.logs.query({});
    const revokedMs = performance.now();
    await fleet.client.trpc.keys.revoke.mutate({ keyId: id });
    expect(await followed).toMatchObject({ code: "unauthorized" });
    expect(performance.now() - revokedMs).toBeLessThan(5_000);
  });
});
