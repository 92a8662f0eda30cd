import { describe, expect, it } from "vitest";
import type { Connection } from "../../../../../agent/comfy/http/comfy-api.ts";
import { createComfyApi } from "../../../../../agent/comfy/http/comfy-api.ts";
import { FleetError } from "../../../../../contracts/errors.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

const ID = "11111111-2222-4333-8444-555555555555";
const PROMPT = { promptId: ID, workflow: { "1": { class_type: "PreviewAny", inputs: {} } }, previews: false };
const NO_JOB = { status: 404, body: { error: "Job not found" } };
const NO_ROUTE = { status: 404, text: "404: Not Found" };
const PENDING = { body: { status: "pending" } };
const TAKEN = { body: { prompt_id: ID, number: 1, node_errors: {} } };

type Answer = { status?: number; body?: unknown; text?: string } | { fail: "refused" | "broken" | "timeout" };

/** A ComfyUI that answers by a script: per `METHOD /path` a list, whose last answer repeats. */
function setUp(script: Record<string, Answer[]>) {
  const calls: string[] = [];
  const bodies: unknown[] = [];
  const submittedAt: number[] = [];
  let connection: Connection | null = { generationId: "g1", baseUrl: "http://comfy", clientId: "c1" };
  const fetch: typeof globalThis.fetch = (input, init) => {
    const { pathname, search } = new URL(String(input));
    const key = `${init?.method ?? "GET"} ${pathname}`;
    calls.push(`${key}${search}`);
    bodies.push(typeof init?.body === "string" ? JSON.parse(init.body) : init?.body);
    const left = script[key];
    const answer = left === undefined ? { status: 405, text: "405" } : left.length > 1 ? left.shift() : left[0];
    if (answer === undefined) throw new Error(`Cannot answer ${key}: the script is empty`);
    if (!("fail" in answer)) {
      return Promise.resolve(
        new Response(answer.text ?? JSON.stringify(answer.body ?? {}), { status: answer.status ?? 200 }),
      );
    }
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const broken = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
    return Promise.reject(
      answer.fail === "timeout"
        ? new DOMException("late", "TimeoutError")
        : new TypeError("fetch failed", { cause: answer.fail === "refused" ? refused : broken }),
    );
  };
  const clock = createVirtualClock();
  const api = createComfyApi({
    fetch,
    async exchange(baseUrl, { method, path, json }) {
      const response = await fetch(
        `${baseUrl}${path}`,
        json === undefined ? { method } : { method, body: JSON.stringify(json) },
      );
      return { status: response.status, text: await response.text() };
    },
    clock: { ...clock, sleep: () => Promise.resolve() },
    timings: { requestTimeoutMs: 1_000, submitTimeoutMs: 1_000, uploadTimeoutMs: 1_000 },
    connection: () => connection,
    onSubmitted: (sentAtMs) => submittedAt.push(sentAtMs),
  });
  return { api, calls, bodies, submittedAt, connect: (next: Connection | null) => connection = next };
}

const signal = new AbortController().signal;

describe("submit()", () => {
  it("sends our id and client, never a number, and no preview method unless asked", async () => {
    const { api, bodies, submittedAt } = setUp({ "POST /prompt": [TAKEN] });
    expect(await api.submit(PROMPT, signal)).toEqual({ status: "accepted" });
    expect(bodies).toEqual([{ prompt: PROMPT.workflow, prompt_id: ID, client_id: "c1", extra_data: {} }]);
    await api.submit({ ...PROMPT, previews: true }, signal);
    expect(bodies[1]).toMatchObject({ extra_data: { preview_method: "auto" } });
    expect(submittedAt).toHaveLength(2);
  });

  it("gives the prompt its partner key, beside what else it says", async () => {
    const { api, bodies } = setUp({ "POST /prompt": [TAKEN] });
    await api.submit({ ...PROMPT, previews: true, partnerKey: "comfyui-1" }, signal);
    expect(bodies[0]).toMatchObject({ extra_data: { preview_method: "auto", api_key_comfy_org: "comfyui-1" } });
  });

  it("gives the prompt its trace, where nodes may look it up and no picture has it", async () => {
    const { api, bodies } = setUp({ "POST /prompt": [TAKEN] });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await api.submit({ ...PROMPT, traceparent }, signal);
    expect(bodies[0]).toMatchObject({ extra_data: { traceparent } });
    expect(JSON.stringify(bodies[0])).not.toContain("extra_pnginfo");
  });

  it("returns the typed error of a 400", async () => {
    const body = {
      error: { type: "prompt_no_outputs", message: "Prompt has no outputs", details: "" },
      node_errors: {},
    };
    const { api, submittedAt } = setUp({ "POST /prompt": [{ status: 400, body }] });
    expect(await api.submit(PROMPT, signal)).toMatchObject({ status: "refused", error: { code: "invalid_workflow" } });
    expect(submittedAt).toEqual([]);
  });

  it("says of a 200 with node errors that ComfyUI has taken a part", async () => {
    const node_errors = { "1": { errors: [{ message: "bad", extra_info: { input_name: "x" } }], class_type: "A" } };
    const { api, calls } = setUp({ "POST /prompt": [{ body: { prompt_id: ID, node_errors } }] });
    expect(await api.submit(PROMPT, signal)).toMatchObject({
      status: "taken_in_part",
      error: { nodeErrors: { "1": [{ field: "x", reason: "bad" }] } },
    });
    expect(calls).toEqual(["POST /prompt"]);
  });

  it("posts once, whatever way the answer fails to come", async () => {
    for (const fail of ["broken", "timeout", "refused"] as const) {
      const { api, calls } = setUp({ "POST /prompt": [{ fail }] });
      await expect(api.submit(PROMPT, signal)).rejects.toMatchObject({ code: "comfy_unavailable" });
      expect(calls).toEqual(["POST /prompt"]);
    }
  });

  it("asks what a 500 left behind, and takes what it left for unanswered", async () => {
    const text = "500 Internal Server Error";
    const queued = setUp({ "POST /prompt": [{ status: 500, text }], [`GET /api/jobs/${ID}`]: [PENDING] });
    await expect(queued.api.submit(PROMPT, signal)).rejects.toMatchObject({ code: "comfy_unavailable" });
    const refused = setUp({ "POST /prompt": [{ status: 500, text }], [`GET /api/jobs/${ID}`]: [NO_JOB] });
    expect(await refused.api.submit(PROMPT, signal)).toMatchObject({ status: "refused" });
  });

  it("does not send to a successor what was asked of a process that is gone", async () => {
    const { api, calls, connect } = setUp({ "POST /prompt": [{ fail: "broken" }] });
    const submitting = api.submit(PROMPT, signal);
    connect({ generationId: "g2", baseUrl: "http://comfy", clientId: "c2" });
    await expect(submitting).rejects.toMatchObject({ code: "comfy_unavailable" });
    expect(calls).toEqual(["POST /prompt"]);
    connect(null);
    await expect(api.lookup(ID, signal)).rejects.toThrow("Cannot reach ComfyUI: it is not ready");
  });
});

describe("lookup()", () => {
  it("goes by the queue, then the history, where there is no jobs route, and remembers that", async () => {
    const item = [1, ID, {}, {}, []];
    const { api, calls } = setUp({
      [`GET /api/jobs/${ID}`]: [NO_ROUTE],
      "GET /queue": [
        { body: { queue_running: [], queue_pending: [item] } },
        { body: { queue_running: [item], queue_pending: [] } },
        { body: { queue_running: [], queue_pending: [] } },
      ],
      [`GET /history/${ID}`]: [
        { body: { [ID]: { outputs: {}, status: { status_str: "success", messages: [] } } } },
        { body: {} },
      ],
    });
    const statuses = [];
    for (let look = 0; look < 4; look++) statuses.push((await api.lookup(ID, signal)).status);
    expect(statuses).toEqual(["pending", "running", "succeeded", "unknown"]);
    expect(calls.filter((call) => call.includes("/api/jobs"))).toHaveLength(1);
  });

  it("says unknown only when ComfyUI itself says so", async () => {
    expect(await setUp({ [`GET /api/jobs/${ID}`]: [NO_JOB] }).api.lookup(ID, signal)).toEqual({ status: "unknown" });
    for (const answer of [{ status: 500, text: "x" }, { status: 502, text: "" }, { text: "<html>" }, { body: [] }]) {
      await expect(setUp({ [`GET /api/jobs/${ID}`]: [answer] }).api.lookup(ID, signal))
        .rejects.toMatchObject({ code: "comfy_unavailable" });
    }
  });

  it("rejects with the caller's own reason when the caller gives up", async () => {
    const reason = new Error("enough");
    const { api } = setUp({ [`GET /api/jobs/${ID}`]: [{ fail: "broken" }] });
    await expect(api.lookup(ID, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("plannedOutputs()", () => {
  const EMPTY = { body: { queue_running: [], queue_pending: [] } };

  it("are the queue's, else the history's, else not known", async () => {
    const item = [1, ID, {}, {}, ["9"]];
    const queued = setUp({ "GET /queue": [{ body: { queue_running: [[0, "other", {}, {}, []], item] } }] });
    expect(await queued.api.plannedOutputs(ID, signal)).toEqual(new Set(["9"]));
    const done = setUp({ "GET /queue": [EMPTY], [`GET /history/${ID}`]: [{ body: { [ID]: { prompt: item } } }] });
    expect(await done.api.plannedOutputs(ID, signal)).toEqual(new Set(["9"]));
    const odd = setUp({ "GET /queue": [EMPTY], [`GET /history/${ID}`]: [{ body: { [ID]: { outputs: {} } } }] });
    expect(await odd.api.plannedOutputs(ID, signal)).toBeNull();
    const silent = setUp({ "GET /queue": [{ fail: "timeout" }] });
    await expect(silent.api.plannedOutputs(ID, signal)).rejects.toMatchObject({ code: "comfy_unavailable" });
  });
});

describe("cancel()", () => {
  it("on old versions dequeues, and interrupts only when this very prompt runs", async () => {
    const waiting = setUp({ "POST /queue": [{}], "GET /queue": [{ body: { queue_running: [[1, "other"]] } }] });
    await waiting.api.cancel(ID, signal);
    expect(waiting.calls).toEqual([`POST /api/jobs/${ID}/cancel`, "POST /queue", "GET /queue"]);
    const running = setUp({
      "POST /queue": [{}],
      "GET /queue": [{ body: { queue_running: [[1, ID]] } }],
      "POST /interrupt": [{}],
    });
    await running.api.cancel(ID, signal);
    expect(running.bodies.at(-1)).toEqual({ prompt_id: ID });
  });
});

describe("view()", () => {
  it("returns the body as it comes, and says when the file is gone", async () => {
    const file = { nodeId: "1", filename: "a b.png", subfolder: "x/y", type: "temp" as const };
    const { api, calls } = setUp({ "GET /view": [{ text: "bytes" }, { status: 404, text: "" }] });
    expect(await (await api.view(file, signal)).text()).toBe("bytes");
    expect(calls).toEqual(["GET /view?filename=a+b.png&subfolder=x%2Fy&type=temp"]);
    await expect(api.view(file, signal)).rejects.toMatchObject({ code: "output_missing" });
  });
});

describe("upload()", () => {
  it("returns the name that ComfyUI chose, and a typed error when it is too large", async () => {
    const { api, bodies } = setUp({
      "POST /upload/image": [{ body: { name: "in (1).png", subfolder: "x", type: "input" } }, {
        status: 413,
        text: "",
      }],
    });
    const file = { name: "in.png", subfolder: "x", body: new Blob(["1"]) };
    expect(await api.upload(file, signal)).toBe("x/in (1).png");
    const form = bodies[0];
    if (!(form instanceof FormData)) throw new Error("Cannot read the upload: it is no form");
    expect([form.get("subfolder"), form.get("type"), form.get("overwrite")]).toEqual(["x", "input", "true"]);
    const failure = await api.upload(file, signal).catch((error: unknown) => error);
    expect(FleetError.is(failure) && failure.code).toBe("payload_too_large");
  });
});
