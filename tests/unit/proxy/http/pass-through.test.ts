import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Caller, Scope } from "../../../../contracts/tenant.ts";
import { trpcErrorResponse } from "../../../../proxy/http/error-response.ts";
import { type Asked, CALLER, json, POD, refusal, setUp } from "./pass-through-fixture.ts";

describe("the pass-through to a pod", () => {
  it("sends what tRPC needs and nothing else, and gives back the answer's own bytes", async () => {
    const { asked, get } = setUp(() =>
      json({ result: { data: { json: 1 } } }, {
        "set-cookie": "session=1",
        "x-powered-by": "agent",
        "www-authenticate": "Bearer",
        connection: "keep-alive",
        "cache-control": "no-store",
      })
    );
    const response = await get("comfy.status?input=%7B%7D", {
      headers: {
        authorization: "Bearer cfl_key",
        cookie: "a=b",
        "x-forwarded-for": "1.2.3.4",
        te: "trailers",
        accept: "application/jsonl",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "accept-encoding": "gzip",
      },
    });
    expect(asked.map(({ path }) => path)).toEqual(["/trpc/comfy.status?input=%7B%7D"]);
    expect(Object.fromEntries(new Headers(asked[0]?.init.headers))).toEqual({
      accept: "application/jsonl",
      traceparent: "00-11111111111111111111111111111111-2222222222222222-01",
      "x-request-id": "req-1",
    });
    expect(Object.fromEntries(response.headers)).toEqual({
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    expect(await response.text()).toBe('{"result":{"data":{"json":1}}}');
  });

  it("asks nobody for a caller without key or scope, or while the edge stops", async () => {
    const { asked, get, post, stop, acts } = setUp(() => json({}));
    const reader: Caller = { ...CALLER, scopes: ["pods:read"] };
    expect(await refusal(await get("comfy.status", {}, null))).toMatchObject({ status: 401, code: "unauthorized" });
    expect(await refusal(await get("comfy.logs", {}, reader))).toMatchObject({ status: 403, code: "forbidden" });
    expect(await refusal(await post("comfy.restart", {}, reader))).toMatchObject({ status: 403 });
    expect((await get("comfy.status", {}, reader)).status).toBe(200);
    for (const scopes of [["jobs:read", "jobs:write"], ["metrics:read"]] as Scope[][]) {
      expect((await get("comfy.status", {}, { ...CALLER, scopes })).status).toBe(403);
    }
    expect(await refusal(await get("pod.beat"))).toMatchObject({ status: 403, requestId: "req-1" });
    stop.abort();
    expect(await refusal(await get("comfy.status"))).toMatchObject({ status: 503, code: "edge_stopping" });
    expect(asked).toHaveLength(1);
    expect(acts).toEqual([]);
  });

  it("notes every act with its end, and no question", async () => {
    const answers = [
      () => json({ result: {} }),
      () => trpcErrorResponse(new FleetError("conflict", "Cannot restart ComfyUI: a run is on"), "req-1"),
      () => Promise.reject(new FleetError("agent_unreachable", "Cannot reach the agent")),
    ];
    const { get, post, acts } = setUp(() => (answers.shift() ?? (() => json({})))());
    expect((await post("comfy.restart")).status).toBe(200);
    expect(await refusal(await post("comfy.restart"))).toMatchObject({ status: 409, code: "conflict" });
    expect(await refusal(await post("comfy.restart"))).toMatchObject({ status: 502, code: "agent_unreachable" });
    await get("comfy.status");
    const { keyId, tenantId } = CALLER;
    const act = { keyId, tenantId, action: "pod:comfy.restart", target: POD, requestId: "req-1" };
    expect(acts).toMatchObject([
      { ...act, outcome: "ok" },
      { ...act, outcome: "conflict" },
      { ...act, outcome: "agent_unreachable" },
    ]);
  });

  it("does no act that cannot be noted", async () => {
    const begin = () => Promise.reject(new Error("the disk is full"));
    const { post, asked } = setUp(() => json({}), { audit: { begin } });
    expect(await refusal(await post("comfy.free"))).toMatchObject({ status: 500, code: "internal" });
    expect(asked).toEqual([]);
  });

  it("passes bodies on, and stops at the limit whether announced or not", async () => {
    let received = "";
    const { post, asked } = setUp(async ({ init }) => {
      received = await new Response(init.body).text();
      return json({});
    });
    const text = JSON.stringify({ json: { reason: "é" } });
    await post("comfy.restart", { body: text, headers: { "content-length": String(Buffer.byteLength(text)) } });
    expect(received).toBe(text);
    const chunked = (bytes: number) =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes; at += 10_000) controller.enqueue(new Uint8Array(10_000).fill(97));
          controller.close();
        },
      });
    await post("comfy.restart", { body: chunked(90_000), duplex: "half" });
    expect(received).toHaveLength(90_000);
    const tooLong = await post("comfy.restart", { body: chunked(110_000), duplex: "half" });
    expect(await refusal(tooLong)).toMatchObject({ status: 413, code: "payload_too_large" });
    const before = asked.length;
    const announced = await post("comfy.restart", { body: "x", headers: { "content-length": "100001" } });
    expect(await refusal(announced)).toMatchObject({ status: 413, code: "payload_too_large" });
    expect(asked).toHaveLength(before);
  });

  it.each([
    [401, "agent_unreachable", 502],
    [403, "agent_unreachable", 502],
    [302, "agent_incompatible", 502],
    [404, "agent_incompatible", 502],
    [200, "agent_incompatible", 502],
    [500, "agent_incompatible", 502],
  ])("answers a stranger's %i in our own words", async (status, code, ours) => {
    const headers = { "content-type": "text/html", location: "http://elsewhere/", "www-authenticate": "Basic" };
    const { get } = setUp(() => new Response("<h1>nginx</h1>", { status, headers }));
    const response = await get("comfy.status");
    expect(response.headers.get("location")).toBeNull();
    expect(response.headers.get("www-authenticate")).toBeNull();
    const said = await refusal(response);
    expect(said).toMatchObject({ status: ours, code });
    expect(JSON.stringify(said)).not.toContain("nginx");
  });

  it("says that the agent does not let this edge in when it answers as to somebody whom it does not know", async () => {
    const nobody = { error: new FleetError("not_found", "Cannot find this path").toEnvelope() };
    const { get } = setUp(() => Response.json(nobody, { status: 404 }));
    expect(await refusal(await get("comfy.status"))).toMatchObject({
      ...{ status: 502, code: "agent_unreachable", retryable: false },
      hint: expect.stringContaining("tag:edge"),
    });
  });

  it("says not_found of a pod that nobody knows, and agent_unreachable of one without a way", async () => {
    const lost = () => Promise.reject(new FleetError("agent_unreachable", "Cannot reach the agent: no way"));
    expect(await refusal(await setUp(lost).get("comfy.status"))).toMatchObject({ code: "agent_unreachable" });
    const unknown = setUp(lost, { isKnown: () => Promise.resolve(false) });
    expect(await refusal(await unknown.get("comfy.status"))).toMatchObject({ status: 404, code: "not_found" });
  });

  it("gives up a pod that does not answer in time, and lets its caller go at once", async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const silent = ({ init }: Asked) =>
      new Promise<Response>((_, reject) => {
        signals.push(init.signal);
        init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    const { get } = setUp(silent, { answerMs: 30 });
    expect(await refusal(await get("comfy.status"))).toMatchObject({ status: 504, code: "timeout" });
    const patient = setUp(silent);
    const caller = new AbortController();
    const asked = patient.post("comfy.restart", { signal: caller.signal });
    while (signals.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    caller.abort();
    expect((await asked).status).toBe(499);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(patient.acts).toMatchObject([{ action: "pod:comfy.restart" }]);
    expect(patient.acts[0]?.outcome).toBeUndefined();
  });
});
