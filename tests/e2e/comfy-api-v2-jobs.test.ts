// Jobs over the Comfy API v2 on a real edge: which file a name means, keys that come again, ends, and what pollers see.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { schemas } from "@comfyorg/sdk/low";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { until } from "../support/fleet/until.ts";
import { gradientPath } from "../support/fleet/workflows.ts";
import { inverted } from "../support/sdk/graphs.ts";

const JOBS = "/api/v2/jobs";
const ASSETS = "/api/v2/assets";
const gradient = readFileSync(gradientPath);
/** Another file, which shows the same. */
const other = Buffer.concat([gradient, Buffer.from("tail")]);
const REPLAY = { "idempotency-mode": "replay" };

const Graph = z.object({
  workflow: z.record(
    z.string(),
    z.object({ inputs: z.object({ image: z.object({ info: z.object({ id: z.string() }) }) }) }),
  ),
});

describe.each(EDGE_RUNTIMES)("jobs over the Comfy API v2 on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    const env = { V2_REQUESTS_PER_SECOND: "100000" };
    fleet = await startTestFleet({ runtime, env, standInArgs: ["--step-ms", "20"] });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${fleet.apiKey}`);
    return fetch(fleet.baseUrl + path, { signal: AbortSignal.timeout(30_000), ...init, headers });
  };
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    call(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const submit = async (workflow: object) => schemas.zJob.parse(await (await post(JOBS, { workflow })).json());
  async function upload(bytes: Uint8Array<ArrayBuffer>, path: string) {
    const form = new FormData();
    form.append("content_type", "image/png");
    form.append("file_path", path);
    form.append("file", new Blob([bytes]), "x");
    return schemas.zAsset.parse(await (await call(ASSETS, { method: "POST", body: form })).json());
  }
  /** The asset that the job's LoadImage reads. */
  async function pictureOf(jobId: string) {
    const { workflow } = z.object({ workflow: z.record(z.string(), z.unknown()) })
      .parse(await (await call(`${JOBS}/${jobId}/workflow`)).json());
    return Graph.parse({ workflow: { "1": workflow["1"] } }).workflow["1"]?.inputs.image.info.id;
  }

  it("a name in a graph means the file that was put there last, also when its bytes were there before", async () => {
    const first = await upload(gradient, "cat.png");
    const second = await upload(other, "cat.png");
    expect(await pictureOf((await submit(inverted("cat.png"))).id)).toBe(second.id);
    expect(await upload(gradient, "cat.png")).toMatchObject({ id: first.id, created_at: first.created_at });
    expect(await pictureOf((await submit(inverted("cat.png"))).id)).toBe(first.id);
    await post(`${ASSETS}/from-hash`, { hash: second.hash, file_path: "cat.png" });
    expect(await pictureOf((await submit(inverted("cat.png"))).id)).toBe(second.id);
  });
  it("a replay gets its job whatever was uploaded or deleted since, and another request is refused", async () => {
    const headers = { ...REPLAY, "idempotency-key": randomUUID() };
    const { id: used } = await upload(gradient, "replayed.png");
    const send = (workflow: object) => post(JOBS, { workflow }, headers);
    const job = schemas.zJob.parse(await (await send(inverted("replayed.png"))).json());
    await until(
      "the job to end",
      async () => schemas.zJob.parse(await (await call(`${JOBS}/${job.id}`)).json()).status === "succeeded" || null,
    );
    const { id: newer } = await upload(other, "replayed.png");
    const replayed = async () => {
      const answer = await send(inverted("replayed.png"));
      const { id } = schemas.zJob.parse(await answer.json());
      return { status: answer.status, replayed: answer.headers.get("idempotency-replayed"), id };
    };
    const same = { status: 201, replayed: "true", id: job.id };
    expect(await replayed()).toEqual(same);
    for (const id of [newer, used]) expect((await call(`${ASSETS}/${id}`, { method: "DELETE" })).status).toBe(204);
    expect(await replayed()).toEqual(same);
    for (const file of ["another.png", { __type: "core/ASSET", info: { id: used } }]) {
      const refused = await send(inverted(file));
      expect({ status: refused.status, body: await refused.json() })
        .toMatchObject({ status: 422, body: { error: { code: "idempotency_key_reuse" } } });
    }
  });
});
