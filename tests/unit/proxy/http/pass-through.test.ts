import superjson from "superjson";
import { describe, expect, it } from "vitest";
import type { Act, AuditOutcome } from "../../../../contracts/audit.ts";
import { ErrorEnvelope, FleetError } from "../../../../contracts/errors.ts";
import type { Caller, Scope } from "../../../../contracts/tenant.ts";
import { createPassThrough, type PassThroughOptions } from "../../../../proxy/http/pass-through.ts";
import { trpcErrorResponse } from "../../../../proxy/http/error-response.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";
import { podId } from "../jobs/ids.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { newKeyId, newTenantId } from "../store/samples.ts";

const POD = podId(1);
const CALLER: Caller = { keyId: newKeyId(), tenantId: newTenantId(), scopes: ["pods:read", "pods:operate"] };

type Asked = { path: string; init: RequestInit };

function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), {
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

function setUp(answer: (asked: Asked) => Response | Promise<Response>, options: Partial<PassThroughOptions> = {}) {
  const asked: Asked[] = [];
  const acts: (Act & { outcome?: AuditOutcome })[] = [];
  const stop = new AbortController();
  const pass = createPassThrough({
    agents: {
      fetch: async (_podId, path, init = {}) => {
        asked.push({ path, init });
        return await answer({ path, init });
      },
    },
    audit: {
      begin: (act) => {
        const entry: typeof acts[number] = { ...act };
        acts.push(entry);
        return Promise.resolve({
          end(outcome) {
            entry.outcome = outcome;
            return Promise.resolve();
          },
        });
      },
    },
    isKnown: () => Promise.resolve(true),
    isActive: () => Promise.resolve(true),
    maxBodyBytes: 100_000,
    stopping: stop.signal,
    clock: systemClock(),
    logger: silentLogger,
    ...options,
  });
  return {
    asked,
    acts,
    stop,
    get: (procedure: string, init: RequestInit = {}, caller: Caller | null = CALLER) =>
      pass(new Request(`http://edge/pods/${POD}/trpc/${procedure}`, init), caller, "req-1"),
    post: (procedure: string, init: RequestInit & { duplex?: "half" } = {}, caller: Caller | null = CALLER) =>
      pass(
        new Request(`http://edge/pods/${POD}/trpc/${procedure}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: "{}",
          ...init,
        }),
        caller,
        "req-1",
      ),
  };
}

/** The envelope as tRPC's client finds it. */
async function refusal(response: Response) {
  const body = superjson.deserialize<{ data: { fleet: unknown } }>(JSON.parse(await response.text()).error);
  return { status: response.status, ...ErrorEnvelope.parse(body.data.fleet) };
}

/** Server-sent events that come when the test says so. */
function events() {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const seen = { canceled: false };
  const body = new ReadableStream<Uint8Array>({
    start: (started) => void (controller = started),
    cancel: () => void (seen.canceled = true),
  });
  return {
    seen,
    say: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    break: () => controller.error(new Error("the agent is gone")),
    response: new Response(body, { headers: { "content-type": "text/event-stream", "set-cookie": "a=b" } }),
  };
}

describe("the pass-through to a pod", () => {
  it("sends what tRPC needs and nothing else, and gives back the answer's own bytes", async () => {
    const { asked, get } = setUp(() =>
      json({ result: { data: { json: 1 } } }, {
        headers: {
          "set-cookie": "session=1",
          "x-powered-by": "agent",
          "www-authenticate": "Bearer",
          connection: "keep-alive",
          "cache-control": "no-store",
        },
      })
    );
    const response = await get("comfy.status?input=%7B%7D", {
      headers: {
        authorization: "Bearer cfl_key",
        cookie: "a=b",
        "x-forwarded-for": "1.2.3.4",
        te: "trailers",
        accept: "application/jsonl",
        traceparent: "00-1-2-01",
        "accept-encoding": "gzip",
      },
    });
    expect(asked.map(({ path }) => path)).toEqual(["/trpc/comfy.status?input=%7B%7D"]);
    expect(Object.fromEntries(new Headers(asked[0]?.init.headers))).toEqual({
      accept: "application/jsonl",
      traceparent: "00-1-2-01",
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

  describe("of a stream", () => {
    it("brings events as they come, and lets go of the pod when its caller leaves", async () => {
      const stream = events();
      const { get } = setUp(() => stream.response);
      const response = await get("comfy.followLogs");
      expect(response.headers.get("set-cookie")).toBeNull();
      const reader = response.body?.getReader();
      stream.say("data: 1\n\n");
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("data: 1\n\n");
      await reader?.cancel();
      expect(stream.seen.canceled).toBe(true);
    });

    it("ends, without breaking, when the edge stops or the agent is gone", async () => {
      for (const end of ["stop", "break"] as const) {
        const stream = events();
        const { get, stop } = setUp(() => stream.response);
        const text = (await get("comfy.followLogs")).text();
        stream.say("data: 1\n\n");
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (end === "stop") stop.abort();
        else stream.break();
        expect(await text).toBe("data: 1\n\n");
        expect(stream.seen.canceled).toBe(end === "stop");
      }
    });

    it("ends within five seconds of the key's revocation, as the edge's own streams do", async () => {
      const stream = events();
      let active = true;
      const slept: number[] = [];
      const clock = {
        ...systemClock(),
        sleep: async (ms: number, signal: AbortSignal) => {
          slept.push(ms);
          await new Promise((resolve) => setImmediate(resolve));
          if (signal.aborted) return;
        },
      };
      const { get } = setUp(() => stream.response, { isActive: () => Promise.resolve(active), clock, answerMs: 9_999 });
      const response = await get("comfy.followLogs");
      active = false;
      expect(await response.text()).toBe("");
      expect(stream.seen.canceled).toBe(true);
      expect(Math.max(...slept.filter((ms) => ms !== 9_999))).toBeLessThanOrEqual(1_500);
    });
  });
});
