import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import type { V2Options } from "../../../../../proxy/http/v2/request.ts";
import { bodyBy, CALLER, jobOf, refused, setUpV2, uuid } from "./v2-fixture.ts";

const JOBS = "/api/v2/jobs";
const JOB = `${JOBS}/${uuid(1)}`;
const GRAPH = { "9": { class_type: "SaveImage", inputs: { images: ["8", 0] } }, "8": { class_type: "X", inputs: {} } };

type Submission = Parameters<V2Options["jobs"]["submitV2"]>;

/** Routes whose submits are noted and answered with one job. */
function setUpSubmit({ replayed = false, fails = null as FleetError | null } = {}) {
  const submissions: Submission[] = [];
  const routes = setUpV2({
    jobs: {
      submitV2: async (caller, input, context) => {
        if (input.spec.kind !== "workflow") throw new Error("v2 has no services");
        await context.resolveAssets?.(input.spec.workflow);
        submissions.push([caller, input, context]);
        if (fails !== null) throw fails;
        return { job: jobOf(), replayed };
      },
    },
  });
  return { ...routes, submissions };
}

describe("POST /api/v2/jobs", () => {
  it("answers 201 with the job as the contract shows it", async () => {
    const { post, submissions } = setUpSubmit();
    const response = await post(JOBS, { workflow: GRAPH, metadata: null, webhook_url: null });
    expect(response.status).toBe(201);
    expect(await bodyBy(schemas.zPostJobsResponse, response)).toMatchObject({
      id: uuid(1),
      status: "queued",
      queue_position: 3,
      started_at: null,
      progress: null,
      outputs: [],
      error: null,
      metadata: {},
      metrics: { queue_ms: null, execution_ms: null },
      urls: { self: JOB, events: `${JOB}/events`, cancel: `${JOB}/cancel` },
    });
    expect(submissions).toHaveLength(1);
    expect(submissions[0]?.slice(0, 2)).toMatchObject([CALLER, { spec: { kind: "workflow", workflow: GRAPH } }]);
    expect(submissions[0]?.[2]).not.toHaveProperty("idempotency");
    expect(submissions[0]?.[2]).not.toHaveProperty("partnerKey");
    expect(submissions[0]?.[1].options).not.toHaveProperty("metadata");
  });

  it("hands labels, key and mode on, and the partner key beside the request", async () => {
    const { post, submissions } = setUpSubmit({ replayed: true });
    const body = { workflow: GRAPH, metadata: { client: "acme" }, extra_data: { api_key_comfy_org: "comfy-secret" } };
    const response = await post(JOBS, body, { "idempotency-key": "k-1", "idempotency-mode": "Replay" });
    expect(response.status).toBe(201);
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    const [[, input, context] = []] = submissions;
    expect(input?.options.metadata).toEqual({ client: "acme" });
    expect(context).toMatchObject({
      idempotency: { space: "v2", key: "k-1", replay: true },
      partnerKey: "comfy-secret",
      trace: expect.anything(),
    });
    expect(JSON.stringify(input)).not.toContain("comfy-secret");
  });

  it.each([
    ["a graph of ComfyUI's page", { workflow: { nodes: [], links: [] } }, 422, "workflow_format_ui"],
    ["no workflow", {}, 422, "invalid_workflow"],
    ["null for a workflow", { workflow: null }, 422, "invalid_workflow"],
    ["a list for a workflow", { workflow: [] }, 422, "invalid_workflow"],
    ["a dangling link", { workflow: { "9": { class_type: "A", inputs: { x: ["7", 0] } } } }, 422, "invalid_workflow"],
    ["webhook_url", { workflow: GRAPH, webhook_url: "https://x" }, 422, "invalid_workflow"],
    ["inputs", { workflow: GRAPH, inputs: {} }, 422, "invalid_workflow"],
    ["an unknown field", { workflow: GRAPH, priority: 1 }, 422, "invalid_request"],
    ["an unknown field of extra_data", { workflow: GRAPH, extra_data: { other: 1 } }, 422, "invalid_request"],
    ["an empty partner key", { workflow: GRAPH, extra_data: { api_key_comfy_org: "" } }, 422, "invalid_request"],
    ["a long one", { workflow: GRAPH, extra_data: { api_key_comfy_org: "x".repeat(1_025) } }, 422, "invalid_request"],
    ["a string for metadata", { workflow: GRAPH, metadata: "x" }, 422, "metadata_invalid"],
    ["a number in it", { workflow: GRAPH, metadata: { a: 1 } }, 422, "metadata_invalid"],
    [
      "a reference without a UUID",
      { workflow: { "1": { class_type: "L", inputs: { image: { __type: "core/ASSET", info: { id: "x" } } } } } },
      422,
      "missing_asset",
    ],
    [
      "a reference without info",
      { workflow: { "1": { class_type: "L", inputs: { image: { __type: "core/ASSET" } } } } },
      422,
      "missing_asset",
    ],
  ])("refuses %s", async (...[, body, status, code]) => {
    const { post, submissions } = setUpSubmit();
    expect(await refused(await post(JOBS, body))).toMatchObject({ status, code });
    expect(submissions).toEqual([]);
  });

  it("names no partner key in the refusal of one", async () => {
    const { post } = setUpSubmit();
    const key = `${"k".repeat(30)}-secret`;
    for (const extra_data of [{ api_key_comfy_org: [key] }, { [key]: 1 }, key, { api_key_comfy_org: key.repeat(99) }]) {
      expect(JSON.stringify(await refused(await post(JOBS, { workflow: GRAPH, extra_data })))).not.toContain("-secret");
    }
  });

  it.each([
    ["text/plain", "{}", 400],
    ["multipart/form-data; boundary=x", "{}", 400],
    ["application/json", "{", 400],
    ["application/json", "", 400],
    ["application/json", "[]", 400],
    ["application/json", '"x"', 400],
    ["application/json; charset=utf-8", "NaN", 400],
    ["application/json; charset=utf-16", JSON.stringify({ workflow: GRAPH }), 400],
    ["application/json", new Uint8Array([...new TextEncoder().encode('{"workflow":{"'), 0xff, 0x22, 0x7d, 0x7d]), 400],
  ])("refuses a body of %s: %s", async (type, body, status) => {
    const { call } = setUpSubmit();
    const response = await call(JOBS, { method: "POST", headers: { "content-type": type }, body });
    expect(await refused(response)).toMatchObject({ status, code: "invalid_request" });
  });

  it("refuses 100 MB by its length without reading it, and without one after what may be read", async () => {
    const { call } = setUpSubmit();
    let read = 0;
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          read += 1;
          controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        },
      }, { highWaterMark: 0 });
    const send = (headers: Record<string, string>) =>
      call(JOBS, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: body(),
      });
    const announced = await send({ "content-length": String(100 * 1024 * 1024) });
    expect(await refused(announced)).toMatchObject({ status: 413, code: "payload_too_large" });
    expect(read).toBe(0);
    expect(await refused(await send({}))).toMatchObject({ status: 413 });
    expect(read).toBeLessThan(8);
  });

  it.each([["", 422], ["x".repeat(201), 422], ["ü", 422], ["x".repeat(200), 201]])(
    "judges the key %j",
    async (key, status) => {
      const { post } = setUpSubmit();
      expect((await post(JOBS, { workflow: GRAPH }, { "idempotency-key": key })).status).toBe(status);
    },
  );

  it("refuses another Idempotency-Mode than replay", async () => {
    const { post } = setUpSubmit();
    const headers = { "idempotency-key": "k", "idempotency-mode": "record" };
    expect(await refused(await post(JOBS, { workflow: GRAPH }, headers))).toMatchObject({ status: 422 });
  });

  it("tells what the jobs refuse in v2's words", async () => {
    const fails = new FleetError("idempotency_key_reuse", "Cannot submit job: its idempotency key was used", {});
    expect(await refused(await setUpSubmit({ fails }).post(JOBS, { workflow: GRAPH })))
      .toMatchObject({ status: 422, code: "idempotency_key_reuse" });
    const full = new FleetError("queue_full", "Cannot queue", { retryAfterMs: 2_500 });
    const response = await setUpSubmit({ fails: full }).post(JOBS, { workflow: GRAPH });
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await refused(response)).toMatchObject({ status: 429, code: "queue_full" });
  });
});
