import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import type { EdgeContext } from "../../../contracts/edge/ports.ts";
import { edgeRouter } from "../../../contracts/edge/router.ts";
import { ErrorEnvelope, FleetError } from "../../../contracts/errors.ts";
import type { Caller, Scope } from "../../../contracts/tenant.ts";

const JOB_ID = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";

function callerWith(scopes: Scope[]): Caller {
  return { keyId: "key_01jd8qf2e0f0x8j3m5p7q9s1tv", tenantId: "tenant_01jd8qf2e0f0x8j3m5p7q9s1tv", scopes };
}

/** An edge whose ports do what `ports` says and nothing else. */
async function call(path: string, input: unknown, ctx: { caller: Caller | null; jobs?: Partial<EdgeContext["jobs"]> }) {
  const query = path === "jobs.get" || path === "jobs.watch";
  const encoded = JSON.stringify(superjson.serialize(input));
  const url = `http://edge/trpc/${path}${query ? `?input=${encodeURIComponent(encoded)}` : ""}`;
  const res = await fetchRequestHandler({
    endpoint: "/trpc",
    req: new Request(
      url,
      query ? {} : { method: "POST", body: encoded, headers: { "content-type": "application/json" } },
    ),
    router: edgeRouter,
    createContext: () => ({ requestId: "req-1", ...ctx }) as EdgeContext,
  });
  return { status: res.status, text: await res.text() };
}

async function errorOf(...args: Parameters<typeof call>) {
  const { status, text } = await call(...args);
  const { data } = superjson.deserialize<{ data: { fleet: unknown } }>(JSON.parse(text).error);
  return { status, ...ErrorEnvelope.parse(data.fleet) };
}

const submit = (workflow: unknown) => ({ spec: { kind: "workflow", workflow } });

describe("edgeRouter", () => {
  it("answers 401 with a hint when nobody is authenticated", async () => {
    expect(await errorOf("jobs.get", { jobId: JOB_ID }, { caller: null })).toMatchObject({
      status: 401,
      code: "unauthorized",
      hint: expect.stringContaining("Bearer"),
      requestId: "req-1",
    });
  });

  it("answers 403 naming the scope that is missing", async () => {
    const answer = await errorOf("jobs.cancel", { jobId: JOB_ID }, { caller: callerWith(["jobs:read"]) });
    expect(answer).toMatchObject({ status: 403, code: "forbidden", message: expect.stringContaining("'jobs:write'") });
  });

  it("lets admin do everything", async () => {
    const jobs = { get: () => Promise.reject(new FleetError("not_found", "Cannot find job")) };
    expect(await errorOf("jobs.get", { jobId: JOB_ID }, { caller: callerWith(["admin"]), jobs }))
      .toMatchObject({ status: 404, code: "not_found" });
  });

  it("answers a workflow in the UI format with its own code", async () => {
    const answer = await errorOf("jobs.submit", submit({ nodes: [], links: [] }), { caller: callerWith(["admin"]) });
    expect(answer).toMatchObject({ status: 422, code: "workflow_format_ui", hint: expect.stringContaining("Export") });
  });

  it("answers NaN inside a workflow, which superjson carries, with the node's name", async () => {
    const workflow = { "7": { class_type: "EmptyImage", inputs: { width: Number.NaN } } };
    const answer = await errorOf("jobs.submit", submit(workflow), { caller: callerWith(["admin"]) });
    expect(answer).toMatchObject({ status: 422, code: "invalid_workflow" });
    expect(answer.details).toEqual({
      nodeErrors: { "7": [{ field: "width", reason: expect.stringContaining("NaN") }] },
    });
  });

  it("answers an unknown field with invalid_input and its path", async () => {
    const input = { ...submit({ "1": { class_type: "X", inputs: {} } }), options: { prioritee: 1 } };
    expect(await errorOf("jobs.submit", input, { caller: callerWith(["admin"]) }))
      .toMatchObject({ status: 400, code: "invalid_input", details: { issues: [{ path: "options" }] } });
  });

  it("keeps the message of an unforeseen failure inside", async () => {
    const jobs = { get: () => Promise.reject(new Error("secret database address")) };
    const { status, text } = await call("jobs.get", { jobId: JOB_ID }, { caller: callerWith(["admin"]), jobs });
    expect(status).toBe(500);
    expect(text).not.toContain("secret");
    expect(text).not.toContain("stack");
  });

  it("answers an unknown procedure and a malformed body in the same envelope", async () => {
    expect(await errorOf("jobs.nope", {}, { caller: null })).toMatchObject({ status: 404, code: "not_found" });
    const res = await fetchRequestHandler({
      endpoint: "/trpc",
      req: new Request("http://edge/trpc/jobs.submit", {
        method: "POST",
        body: "{",
        headers: { "content-type": "application/json" },
      }),
      router: edgeRouter,
      createContext: () => ({ requestId: "req-1", caller: callerWith(["admin"]) }) as EdgeContext,
    });
    expect(res.status).toBe(400);
    expect(await res.text()).toContain('"invalid_json"');
  });

  it("ends a watch that fails with a 4xx error event, so that clients do not reconnect for ever", async () => {
    const jobs: Partial<EdgeContext["jobs"]> = {
      // deno-lint-ignore require-yield
      async *watch() {
        throw new FleetError("not_found", "Cannot find job");
      },
    };
    const { text } = await call("jobs.watch", { jobId: JOB_ID }, { caller: callerWith(["admin"]), jobs });
    expect(text).toContain("event: serialized-error");
    expect(text).toContain('"not_found"');
    expect(text).not.toContain("INTERNAL_SERVER_ERROR");
  });
});
