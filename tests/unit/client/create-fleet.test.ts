import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { createFleet, file } from "../../../client/mod.ts";

const JOB_ID = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";
const NEW_ID = "job_01jd8qf2e0f0x8j3m5p7q9s1tw";
const WORKFLOW = { "1": { class_type: "LoadImage", inputs: { image: "" } } };

function answer(data: unknown, status = 200): Response {
  return new Response(JSON.stringify({ result: { data: superjson.serialize(data) } }), { status });
}

/** An edge made of one function; every call it got is kept. */
function scripted(handle: (path: string, call: number) => Response | Promise<Response>) {
  const calls: string[] = [];
  const bodies: unknown[] = [];
  const fetchFn: typeof fetch = async (input, init) => {
    const path = new URL(String(input)).pathname.replace("/trpc/", "");
    calls.push(path);
    bodies.push(init?.body);
    const aborted = new Promise<never>((_, reject) =>
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason), { once: true })
    );
    return await Promise.race([handle(path, calls.filter((seen) => seen === path).length), aborted]);
  };
  return { calls, bodies, fleet: createFleet({ baseUrl: "http://edge", apiKey: "cfl_x", fetch: fetchFn }) };
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;

const never = new Promise<Response>(() => {});

describe("createFleet()", () => {
  it("refuses a missing key at once, with what to do", () => {
    expect(() => createFleet({ baseUrl: "http://edge", apiKey: undefined })).toThrow(
      expect.objectContaining({ code: "unauthorized", hint: expect.stringContaining("cfl_") }),
    );
  });

  it("run() rejects with the signal's own reason, also while it uploads", async () => {
    const { fleet } = scripted(() => never);
    const stop = new AbortController();
    const reason = new Error("my reason");
    const source = file(new Blob(["x"]), "x.png");
    const job = fleet.run(WORKFLOW, { "1.image": source }, { signal: stop.signal });
    setTimeout(() => stop.abort(reason), 10);
    await expect(job.submitted).rejects.toBe(reason);
  });

  it("run() repeats an upload that the edge could not take", async () => {
    const asset = {
      id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv",
      fileName: "x.png",
      contentType: "image/png",
      sizeBytes: 1,
      sha256: "a".repeat(64),
      blake3: null,
      createdAt: "2026-01-01T00:00:00.000Z",
    };
    const { fleet, calls } = scripted((path, call) => {
      if (path !== "/v1/assets") return answer({ id: JOB_ID, state: "queued" });
      if (call === 1) throw new TypeError("connection refused");
      return new Response(JSON.stringify(asset), { status: 201 });
    });
    const job = await fleet.run(WORKFLOW, { "1.image": file(new Blob(["x"]), "x.png") }).submitted;
    expect(job.id).toBe(JOB_ID);
    expect(calls).toEqual(["/v1/assets", "/v1/assets", "jobs.submit"]);
  });

  it("run() with cancelOnAbort cancels also the job whose submit was cut by the abort", async () => {
    const canceled = Promise.withResolvers<void>();
    const { fleet, calls } = scripted((path, call) => {
      if (path === "jobs.cancel") canceled.resolve();
      if (path === "jobs.submit" && call === 1) return never;
      return answer({ id: JOB_ID, state: "queued" });
    });
    const stop = new AbortController();
    const job = fleet.run(WORKFLOW, {}, { signal: stop.signal, cancelOnAbort: true });
    setTimeout(() => stop.abort(), 10);
    await expect(job.submitted).rejects.toMatchObject({ name: "AbortError" });
    await canceled.promise;
    expect(calls).toEqual(["jobs.submit", "jobs.submit", "jobs.cancel"]);
  });

  it("run() sends its caller's traceparent with the submit, else that of the connection, else a new one", async () => {
    const sent: (string | null)[] = [];
    const fetchFn: typeof fetch = (_input, init) => {
      sent.push(new Headers(init?.headers).get("traceparent"));
      return Promise.resolve(answer({ id: JOB_ID, state: "queued" }));
    };
    const options = { baseUrl: "http://edge", apiKey: "cfl_x", fetch: fetchFn };
    const [own, shared] = [`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, `00-${"c".repeat(32)}-${"d".repeat(16)}-01`];
    const text = { "1": { class_type: "PreviewAny", inputs: { source: "x" } } };
    await createFleet({ ...options, traceparent: () => shared }).run(text, {}, { traceparent: own }).submitted;
    await createFleet({ ...options, traceparent: () => shared }).run(text).submitted;
    await createFleet(options).run(text).submitted;
    await createFleet(options).run(text).submitted;
    const submits = sent.filter((_, at) => sent.indexOf(sent[at] ?? null) === at);
    expect(submits).toEqual([own, shared, expect.stringMatching(TRACEPARENT), expect.stringMatching(TRACEPARENT)]);
  });

  it("run() keeps one trace over every try of its submit", async () => {
    const sent: (string | null)[] = [];
    const fetchFn: typeof fetch = (_input, init) => {
      sent.push(new Headers(init?.headers).get("traceparent"));
      if (sent.length === 1) return Promise.reject(new TypeError("connection refused"));
      return Promise.resolve(answer({ id: JOB_ID, state: "queued" }));
    };
    await createFleet({ baseUrl: "http://edge", apiKey: "cfl_x", fetch: fetchFn }).run(WORKFLOW).submitted;
    expect(sent).toEqual([expect.stringMatching(TRACEPARENT), sent[0]]);
  });

  it("job() refuses what is no job id without asking anybody", async () => {
    const { fleet, calls } = scripted(() => never);
    await expect(fleet.job("nonsense").result()).rejects.toMatchObject({ code: "invalid_input" });
    expect(calls).toEqual([]);
  });

  it("job().retry() makes one new job however often its call has to be repeated", async () => {
    const { fleet, calls, bodies } = scripted((path, call) => {
      if (path === "jobs.retry" && call === 1) throw new TypeError("connection reset");
      return answer(path === "jobs.get" ? { id: JOB_ID, state: "failed" } : { id: NEW_ID, retryOf: JOB_ID });
    });
    const again = fleet.job(JOB_ID).retry();
    expect(await again.submitted).toEqual({ id: NEW_ID, retryOf: JOB_ID });
    expect(calls).toEqual(["jobs.get", "jobs.retry", "jobs.retry"]);
    expect(bodies[1]).toContain("idempotencyKey");
    expect(bodies[2]).toEqual(bodies[1]);
  });
});
