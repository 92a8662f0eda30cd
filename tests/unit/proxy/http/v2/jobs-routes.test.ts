import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import { bodyBy, CALLER, jobIdAt, jobOf, refused, setUpV2, succeededJob, uuid } from "./v2-fixture.ts";

const JOBS = "/api/v2/jobs";
const JOB = `${JOBS}/${uuid(1)}`;

describe("what else there is of jobs", () => {
  it("lists them newest first, by labels, with a cursor while there are more", async () => {
    const asked: unknown[] = [];
    const { call } = setUpV2({
      jobs: {
        list: (_caller, input) => {
          asked.push(input);
          const items = [succeededJob({ metadata: { client: "acme" } })];
          return Promise.resolve({ items, nextCursor: asked.length === 1 ? "next" : null });
        },
      },
    });
    const first = await (await call(`${JOBS}?metadata[client]=acme&limit=1`)).json() as Record<string, unknown>;
    expect(first).toMatchObject({
      jobs: [{ id: uuid(1), status: "succeeded", metadata: { client: "acme" }, create_time: expect.any(String) }],
      next_cursor: "next",
    });
    const last = await (await call(`${JOBS}?cursor=next`)).json();
    expect(last).not.toHaveProperty("next_cursor");
    expect(asked).toEqual([
      { metadata: { client: "acme" }, limit: 1, cursor: null },
      { limit: 50, cursor: "next" },
    ]);
  });

  it("calls a cursor that the store does not know invalid_cursor", async () => {
    const { call } = setUpV2({ jobs: { list: () => Promise.reject(new FleetError("invalid_input", "Cannot read")) } });
    expect(await refused(await call(`${JOBS}?cursor=x`))).toMatchObject({ status: 400, code: "invalid_cursor" });
  });

  it("cancels, and says what became of the job", async () => {
    const { call } = setUpV2({ jobs: { cancel: (_caller, id) => Promise.resolve(jobOf({ id, state: "canceling" })) } });
    const response = await call(`${JOB}/cancel`, { method: "POST" });
    expect(await bodyBy(schemas.zCancelJobResponse, response)).toMatchObject({ status: "canceling", id: uuid(1) });
  });

  it("gives the graph back with the UUIDs of its assets", async () => {
    const graph = { "1": { class_type: "LoadImage", inputs: { image: { __type: "core/ASSET", info: { id: "" } } } } };
    Object.assign(graph["1"].inputs.image.info, { id: jobIdAt(4).replace("job", "asset") });
    const { call } = setUpV2({ jobs: { workflowOf: () => Promise.resolve(graph) } });
    expect(await bodyBy(schemas.zGetJobWorkflowResponse, await call(`${JOB}/workflow`))).toEqual({
      workflow: {
        "1": { class_type: "LoadImage", inputs: { image: { __type: "core/ASSET", info: { id: uuid(4) } } } },
      },
      format: "api",
    });
  });

  it("tells 401, 403 and 404 apart, and limits a tenant's requests", async () => {
    const { call } = setUpV2({ requestsPerSecond: 2 });
    expect(await refused(await call(JOB, {}, null))).toMatchObject({ status: 401, code: "unauthorized" });
    const weak = { ...CALLER, scopes: ["assets:read" as const] };
    expect(await refused(await call(JOB, {}, weak))).toMatchObject({ status: 403, code: "forbidden" });
    for (const path of ["/api/v2", "/api/v2/other"]) {
      expect(await refused(await call(path))).toMatchObject({ status: 404, code: "not_found" });
    }
    for (let n = 0; n < 3; n++) await call(`${JOBS}/x`);
    const response = await call(`${JOBS}/x`);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await refused(response)).toMatchObject({ status: 429, code: "rate_limited" });
  });
});
