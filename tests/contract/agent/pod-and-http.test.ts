// The pod's procedures, the raw routes and the health socket, with a real agent process.
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BeatResult, type PodEvent } from "../../../contracts/agent/messages.ts";
import { type AttemptReport, isAttemptFinal } from "../../../contracts/attempt.ts";
import { EdgeId, PodId } from "../../../contracts/ids.ts";
import { AgentProcess, createClient, until } from "./agent-process.ts";
import { finalReport, imageGraph, newAttemptId, order, POD_ID, sha256Of, slowGraph } from "./orders.ts";

const PICTURE = readFileSync(new URL("../../fixtures/comfy/inputs/tiny.png", import.meta.url));
const edgeId = EdgeId.parse(typeid("edge").toString());
const beat = { podId: POD_ID, edgeId, epoch: 2, leaseMs: 15_000, cancel: [], known: [] };

let agent: AgentProcess;
beforeAll(async () => {
  agent =
    await (await new AgentProcess({ AGENT_MAX_INPUT_BYTES: "200000", AGENT_NVIDIA_SMI: "no-such-nvidia-smi" }).start())
      .ready();
  await agent.client.pod.beat.mutate(beat);
});
afterAll(async () => await agent[Symbol.asyncDispose]());

/** A request whose path no URL parser has tidied up. */
function rawStatus(method: string, path: string): Promise<number> {
  const { hostname, port } = new URL(agent.url);
  return new Promise((resolve, reject) => {
    const headers = { authorization: "Bearer a secret of the contract tests" };
    const call = request({ hostname, port, method, path, headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    call.on("error", reject).end();
  });
}

describe("pod", () => {
  it("beat() answers with slots, attempts, conditions and capability", async () => {
    const start = order(imageGraph(), { epoch: 2 });
    await agent.client.attempts.start.mutate(start);
    await finalReport(agent, start.attemptId);
    const result = BeatResult.parse(await agent.client.pod.beat.mutate(beat));
    expect(result.slots).toEqual([{ index: 0, ready: true, attemptId: null }]);
    expect(result.attempts.map((report) => report.attemptId)).toContain(start.attemptId);
    expect(result.conditions).toMatchObject([
      { type: "ComfyReady", status: "true" },
      { type: "GpuHealthy", status: "unknown", reason: "SmiMissing" },
    ]);
    expect(result.verdict).toMatchObject({ state: "unknown", action: "none", reasons: [{ code: "smi_missing" }] });
    expect(result.capability).toMatchObject({ comfyMode: "supervised", comfyVersion: expect.any(String) });
  });

  it("beat() refuses another pod's id and an older epoch", async () => {
    const other = PodId.parse(typeid("pod").toString());
    await expect(agent.client.pod.beat.mutate({ ...beat, podId: other })).rejects.toMatchObject({
      data: { fleet: { code: "wrong_pod" } },
    });
    await expect(agent.client.pod.beat.mutate({ ...beat, epoch: 1 })).rejects.toMatchObject({
      data: { fleet: { code: "stale_epoch" } },
    });
    await expect(agent.client.attempts.start.mutate(order(imageGraph(), { podId: other, epoch: 2 }))).rejects
      .toMatchObject({ data: { fleet: { code: "wrong_pod" } } });
  });

  it("beat() cancels what it names, and does not mind what is unknown", async () => {
    const start = order(slowGraph(2_000), { epoch: 2 });
    await agent.client.attempts.start.mutate(start);
    await agent.client.pod.beat.mutate({ ...beat, cancel: [newAttemptId(), start.attemptId] });
    expect(await finalReport(agent, start.attemptId)).toMatchObject({ state: "canceled" });
  });

  it("watch() yields the pod first, then an attempt's changes without progress", async () => {
    const events: PodEvent[] = [];
    const controller = new AbortController();
    const reading = (async () => {
      const stream = agent.client.pod.watch.subscribe(undefined, { signal: controller.signal });
      for await (const event of stream) events.push(event);
    })().catch(() => undefined);
    await until(() => events[0] ?? null, () => "no event");
    expect(events[0]).toMatchObject({ type: "pod" });
    const start = order(slowGraph(60), { epoch: 2 });
    await agent.client.attempts.start.mutate(start);
    await finalReport(agent, start.attemptId);
    const states = () =>
      events.flatMap((event) =>
        event.type === "attempt" && event.report.attemptId === start.attemptId ? [event.report.state] : []
      );
    await until(() => (states().includes("succeeded") ? true : null), () => JSON.stringify(events));
    expect(states()).toContain("running");
    controller.abort();
    await reading;
  });

  it("watch() brings small outputs with the report of the end, and nobody else is told their bytes", async () => {
    const controller = new AbortController();
    const stream = agent.client.pod.watch.subscribe(undefined, { signal: controller.signal });
    const start = order(imageGraph(), { epoch: 2 });
    let told: AttemptReport | null = null;
    for await (const event of stream) {
      if (event.type === "pod" && told === null) await agent.client.attempts.start.mutate(start);
      if (event.type !== "attempt" || event.report.attemptId !== start.attemptId) continue;
      told = event.report;
      if (isAttemptFinal(told.state)) break;
    }
    controller.abort();
    const { outputs } = told ?? await finalReport(agent, start.attemptId);
    // Two equal pictures: their bytes come once.
    const hashes = outputs.flatMap(({ dataBase64 }) =>
      dataBase64 === undefined ? [] : [createHash("sha256").update(Buffer.from(dataBase64, "base64")).digest("hex")]
    );
    expect(hashes).toEqual([...new Set(outputs.map(({ sha256 }) => sha256))]);
    const described = outputs.map((output) => ({ ...output, dataBase64: undefined }));
    expect((await finalReport(agent, start.attemptId)).outputs).toEqual(described);
  });
});

describe("http", () => {
  it("refuses a missing or wrong secret with the error envelope, on every path", async () => {
    for (const path of ["/trpc/pod.describe", "/inputs/x", "/attempts/x/outputs/0", "/nothing"]) {
      for (const authorization of ["", "Bearer wrong", "Basic abc"]) {
        const response = await agent.fetch(path, { headers: { authorization, "x-request-id": "mine" } });
        expect(response.status).toBe(401);
        expect(response.headers.get("x-request-id")).toBe("mine");
        expect(JSON.stringify(await response.json())).toContain('"code":"unauthorized"');
      }
    }
    await expect(createClient(agent.url, "wrong").pod.describe.query()).rejects.toMatchObject({
      data: { fleet: { code: "unauthorized" } },
    });
  });

  it("answers 404 for unknown paths, and path tricks reach no file", async () => {
    const start = order(imageGraph(), { epoch: 2 });
    await agent.client.attempts.start.mutate(start);
    await finalReport(agent, start.attemptId);
    expect((await agent.fetch("/nothing")).status).toBe(404);
    for (
      const path of [
        "/inputs/../journal.db",
        "/attempts/..%2f..%2fjournal.db/outputs/0",
        `/attempts/${start.attemptId}/outputs/..%2f0`,
        `/attempts/${start.attemptId}/outputs/-1`,
        `/attempts/${start.attemptId}/outputs/0x0`,
        `/attempts/${start.attemptId}/outputs/99`,
        `/attempts/%2e%2e/outputs/0`,
        "/object-info/..%2fjournal.db",
      ]
    ) {
      expect([path, await rawStatus("GET", path)]).toEqual([path, 404]);
    }
    expect(await rawStatus("PUT", "/inputs/..%2f..%2fowned")).toBe(400);
    expect(await rawStatus("PUT", `/inputs/${"A".repeat(64)}`)).toBe(400);
  });

  it("PUT /inputs keeps bytes with the right hash only, and says when it has them already", async () => {
    const sha256 = sha256Of(PICTURE);
    const wrong = await agent.fetch(`/inputs/${"0".repeat(64)}`, { method: "PUT", body: PICTURE });
    expect([wrong.status, await wrong.json()]).toMatchObject([409, { error: { code: "hash_mismatch" } }]);
    const streamed = new ReadableStream({
      start(controller) {
        controller.enqueue(PICTURE.subarray(0, 10));
        controller.enqueue(PICTURE.subarray(10));
        controller.close();
      },
    });
    const init = { method: "PUT", body: streamed, duplex: "half" } as RequestInit;
    expect((await agent.fetch(`/inputs/${sha256}`, init)).status).toBe(201);
    expect((await agent.fetch(`/inputs/${sha256}`, { method: "PUT", body: PICTURE })).status).toBe(200);
  });

  it("PUT /inputs refuses more than its limit, declared or not", async () => {
    const large = new Uint8Array(300_000);
    const sha256 = sha256Of(large);
    const declared = await agent.fetch(`/inputs/${sha256}`, { method: "PUT", body: large });
    expect([declared.status, await declared.json()]).toMatchObject([413, { error: { code: "payload_too_large" } }]);
    const body = new Blob([large]).stream();
    const streamed = await agent.fetch(`/inputs/${sha256}`, { method: "PUT", body, duplex: "half" } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  it("GET and HEAD of an output honour Range, If-Range and If-None-Match", async () => {
    const start = order(imageGraph(), { epoch: 2 });
    await agent.client.attempts.start.mutate(start);
    const { outputs: [output] } = await finalReport(agent, start.attemptId);
    const path = `/attempts/${start.attemptId}/outputs/0`;
    const whole = await agent.fetch(path);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const etag = `"${output?.sha256}"`;
    expect(whole.headers.get("etag")).toBe(etag);
    expect(whole.headers.get("content-length")).toBe(String(bytes.length));
    expect(whole.headers.get("content-type")).toBe("image/png");

    const headOfPart = await agent.fetch(path, { method: "HEAD", headers: { range: "bytes=0-9" } });
    expect([headOfPart.status, headOfPart.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
    for (const known of [etag, `W/${etag}`, `W/"zz", ${etag}`, "*"]) {
      expect((await agent.fetch(path, { headers: { "if-none-match": known } })).status, known).toBe(304);
    }
    for (const malformed of ["bytes=5-2", "bytes=a-b", "bytes", "bytes=1"]) {
      expect((await agent.fetch(path, { headers: { range: malformed } })).status, malformed).toBe(200);
    }
    const head = await agent.fetch(path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, `${bytes.length}`, ""]);

    const part = await agent.fetch(path, { headers: { range: "bytes=2-5", "if-range": etag } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 2-5/${bytes.length}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(2, 6));
    const tail = await agent.fetch(path, { headers: { range: "bytes=-4" } });
    expect(new Uint8Array(await tail.arrayBuffer())).toEqual(bytes.slice(-4));
    const changed = await agent.fetch(path, { headers: { range: "bytes=2-5", "if-range": '"other"' } });
    expect(changed.status).toBe(200);
    await changed.arrayBuffer();
    const behind = await agent.fetch(path, { headers: { range: `bytes=${bytes.length}-` } });
    expect([behind.status, behind.headers.get("content-range")]).toEqual([416, `bytes */${bytes.length}`]);
    expect((await agent.fetch(path, { headers: { "if-none-match": etag } })).status).toBe(304);
  });

  it("GET /object-info answers the body with the hash that describe() names", async () => {
    const { capability } = await agent.client.pod.describe.query();
    const response = await agent.fetch(`/object-info/${capability.objectInfoSha256}`);
    const body = new Uint8Array(await response.arrayBuffer());
    expect(sha256Of(body)).toBe(capability.objectInfoSha256);
    expect(JSON.parse(new TextDecoder().decode(body))).toHaveProperty("SaveImage");
    expect((await agent.fetch(`/object-info/${"0".repeat(64)}`)).status).toBe(404);
  });

  it("calls that are malformed, batched or unknown answer with typed errors", async () => {
    const post = (path: string, body: string) =>
      agent.fetch(path, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect((await post("/trpc/attempts.start", "{")).status).toBe(400);
    expect((await post("/trpc/pod.beat", '{"json":{}}')).status).toBe(400);
    expect((await post("/trpc/attempts.start", '{"json":{}}')).status).toBe(422);
    expect((await post("/trpc/attempts.nothing", "{}")).status).toBe(404);
    expect((await agent.fetch("/trpc/pod.describe,pod.describe?batch=1")).status).toBeGreaterThanOrEqual(400);
    expect((await post("/trpc/attempts.start", `"${"x".repeat(9_000_000)}"`)).status).toBe(413);
  });

  it("the health socket is private and serves health only", async () => {
    expect(statSync(join(agent.stateDir, "health.sock")).mode & 0o777).toBe(0o600);
    expect(await agent.fetchHealth("/livez")).toMatchObject({ status: 200 });
    expect(await agent.fetchHealth("/readyz")).toMatchObject({ status: 200 });
    expect(await agent.fetchHealth("/trpc/pod.describe")).toMatchObject({ status: 404 });
  });
});
