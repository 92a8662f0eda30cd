/** What the official SDK raises, and what a caller without one is told: codes, statuses, and nothing kept. */
import {
  ComfyError,
  Forbidden,
  IdempotencyKeyReuse,
  InvalidWorkflow,
  JobFailed,
  NotFound,
  Unauthorized,
  WorkflowFormatUi,
} from "@comfyorg/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { broken, inverted, lasting, picture } from "../../support/sdk/graphs.ts";
import { askV2, jsonPost, postV2 } from "../../support/sdk/raw.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

describe.each(EDGE_RUNTIMES)("errors to the official SDK from an edge on %s", (runtime) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ runtime });
  });
  afterAll(async () => await stage?.[Symbol.asyncDispose]());

  const jobCount = async () => (await stage.fleet.client.trpc.jobs.list.query({ limit: 100 })).items.length;

  it("a workflow in the editor's own format is refused by the SDK, and by the edge", async () => {
    const exported = { nodes: [], links: [], last_node_id: 0, version: 0.4 };
    const sdk = stage.sdk();
    await expect(sdk.submit(sdk.workflows.fromJson(exported))).rejects.toBeInstanceOf(WorkflowFormatUi);
    const raw = stage.low().postJobs(exported);
    await expect(raw).rejects.toMatchObject({ code: "workflow_format_ui", httpStatus: 422 });
  });

  it("a graph with errors is refused with each node's own, and leaves no job", async () => {
    const before = await jobCount();
    const sdk = stage.sdk();
    const error: unknown = await sdk.submit(sdk.workflows.fromJson(broken())).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidWorkflow);
    expect(error).toMatchObject({
      code: "invalid_workflow",
      httpStatus: 422,
      details: { node_errors: { "1": [expect.objectContaining({ field: "width", reason: expect.any(String) })] } },
    });
    const graph = { "1": { class_type: "NoSuchNode", inputs: {} }, "2": { class_type: "SaveImage", inputs: {} } };
    const unknown = sdk.submit(sdk.workflows.fromJson(graph));
    await expect(unknown).rejects.toMatchObject({
      code: "invalid_workflow",
      details: { node_errors: { "1": expect.any(Array) } },
    });
    expect(await jobCount()).toBe(before);
  });

  it("a node that fails ends the job as failed, and says which node", async () => {
    const sdk = stage.sdk();
    const workflow = sdk.workflows.fromJson(inverted(null));
    const text = new TextEncoder().encode(`this is no picture ${crypto.randomUUID()}`);
    workflow.setInput("1", "image", sdk.assets.fromBytes(text, { filename: "broken.png" }));
    const error: unknown = await sdk.run(workflow).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JobFailed);
    expect(error).toMatchObject({ error: { node_id: "1", class_type: "LoadImage", message: expect.any(String) } });
  });

  it("a submit's key is single-use: the same again, or with another graph, is refused", async () => {
    const sdk = stage.sdk();
    const idempotencyKey = crypto.randomUUID();
    const workflow = sdk.workflows.fromJson(picture());
    const before = await jobCount();
    const job = await sdk.submit(workflow, { idempotencyKey });
    await expect(sdk.submit(workflow, { idempotencyKey })).rejects.toBeInstanceOf(IdempotencyKeyReuse);
    const other = sdk.submit(sdk.workflows.fromJson(picture()), { idempotencyKey });
    await expect(other).rejects.toMatchObject({ code: "idempotency_key_reuse", httpStatus: 422 });
    expect(await jobCount()).toBe(before + 1);
    await job.result();
  });

  it("a refused submit leaves its key free", async () => {
    const sdk = stage.sdk();
    const idempotencyKey = crypto.randomUUID();
    await expect(sdk.submit(sdk.workflows.fromJson(broken()), { idempotencyKey })).rejects.toThrow();
    await (await sdk.submit(sdk.workflows.fromJson(picture()), { idempotencyKey })).result();
  });

  it("Idempotency-Mode: replay gives the first job again, and refuses another body", async () => {
    const headers = { "idempotency-key": crypto.randomUUID(), "idempotency-mode": "replay" };
    const body = { workflow: lasting(0.2) };
    const submit = (what: unknown) => askV2(stage.target, "/jobs", jsonPost(what, headers));
    const idOf = (text: string) => (JSON.parse(text) as { id: string }).id;
    const first = await submit(body);
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null]);
    const again = await submit(body);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(idOf(again.text)).toBe(idOf(first.text));
    expect(await submit({ workflow: picture() })).toMatchObject({
      status: 422,
      error: { code: "idempotency_key_reuse" },
    });
    await (await stage.sdk().jobs.get(idOf(first.text))).result();
  });

  it("what is not there is not found", async () => {
    const sdk = stage.sdk();
    for (const id of [crypto.randomUUID(), "nonsense", "job_01jd0000000000000000000000"]) {
      await expect(sdk.jobs.get(id)).rejects.toBeInstanceOf(NotFound);
      await expect(sdk.assets.get(id)).rejects.toBeInstanceOf(NotFound);
      await expect(stage.low().cancelJob(id)).rejects.toMatchObject({ code: "not_found" });
      await expect(stage.low().getJobWorkflow(id)).rejects.toMatchObject({ code: "not_found" });
      await expect(stage.low().getJobEvents(id).next()).rejects.toMatchObject({ code: "not_found" });
    }
    expect(await askV2(stage.target, "/models")).toMatchObject({ status: 404, error: { code: "not_found" } });
  });

  it("without a good key nothing is told", async () => {
    for (const apiKey of ["cfl_wrong", stage.target.apiKey.slice(0, -1)]) {
      const sdk = stage.sdk({ apiKey });
      await expect(sdk.jobs.get(crypto.randomUUID())).rejects.toBeInstanceOf(Unauthorized);
      await expect(sdk.submit(sdk.workflows.fromJson(picture()))).rejects.toBeInstanceOf(Unauthorized);
      await expect(sdk.assets.fromBytes(new Uint8Array(8)).commit()).rejects.toBeInstanceOf(ComfyError);
    }
    for (const path of ["/jobs", `/jobs/${crypto.randomUUID()}`, `/assets/${crypto.randomUUID()}`]) {
      expect(await askV2(stage.target, path, { key: null })).toMatchObject({
        status: 401,
        error: { code: "unauthorized" },
      });
    }
  });

  it("a key without the scope is refused", async () => {
    const sdk = stage.sdk({ apiKey: await stage.keyWith(["jobs:read"]) });
    await expect(sdk.submit(sdk.workflows.fromJson(picture()))).rejects.toBeInstanceOf(Forbidden);
    await expect(sdk.assets.get(crypto.randomUUID())).rejects.toBeInstanceOf(Forbidden);
    await expect(sdk.jobs.get(crypto.randomUUID())).rejects.toBeInstanceOf(NotFound);
  });

  it("fields that the contract reserves, does not know or closes are refused", async () => {
    const before = await jobCount();
    const workflow = picture();
    const bodies: [Record<string, unknown>, string | null][] = [
      [{ workflow, webhook_url: "https://hooks.example" }, "invalid_workflow"],
      [{ workflow, inputs: {} }, "invalid_workflow"],
      [{ workflow, priority: 1 }, null],
      [{ workflow, extra_data: { other: "x" } }, null],
      [{ workflow, extra_data: { api_key_comfy_org: "" } }, null],
      [{ workflow, metadata: { "not a key": "x" } }, "metadata_invalid"],
      [{ workflow: [] }, null],
      [{}, null],
    ];
    for (const [body, code] of bodies) {
      const answer = await postV2(stage.target, "/jobs", body);
      expect([answer.status, answer.error?.code ?? null]).toEqual([422, code ?? answer.error?.code]);
    }
    for (const body of ["{", "", "[1", '"text"']) {
      const { status, error } = await postV2(stage.target, "/jobs", body);
      expect([400, 422]).toContain(status);
      expect(error?.code).toMatch(/^[a-z_]+$/);
    }
    const text = await askV2(stage.target, "/jobs", jsonPost("workflow", { "content-type": "text/plain" }));
    expect(text.status).toBeGreaterThanOrEqual(400);
    expect(text.status).toBeLessThan(500);
    expect(await jobCount()).toBe(before);
    await postV2(stage.target, "/jobs", { workflow, webhook_url: null, inputs: null, metadata: null });
    expect(await jobCount()).toBe(before + 1);
  });

  it("a partner's key is accepted and told nobody", async () => {
    const secret = `comfyui-secret-${crypto.randomUUID()}`;
    const sdk = stage.sdk();
    const job = await sdk.submit(sdk.workflows.fromJson(lasting(0.3)), { apiKey: secret });
    await job.result();
    const { workflow } = await job.getWorkflow();
    const said = JSON.stringify([
      workflow,
      await stage.low().getJob(job.id),
      await stage.fleet.client.trpc.jobs.list.query({}),
    ]);
    expect(said).not.toContain(secret);
    const logs = [stage.fleet.edge, ...stage.fleet.pods.map(({ agent }) => agent)].map((one) => one.log());
    expect(logs.join("\n")).not.toContain(secret);
  });
});
