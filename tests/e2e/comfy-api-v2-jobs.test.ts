// Jobs over the Comfy API v2 on a real edge: which file a name means, keys that come again, ends, and what pollers see.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { schemas } from "@comfyorg/sdk/low";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { uuidOf } from "../../contracts/ids.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { until } from "../support/fleet/until.ts";
import { gradientPath, quick } from "../support/fleet/workflows.ts";
import { inverted, lasting, picture } from "../support/sdk/graphs.ts";

const JOBS = "/api/v2/jobs";
const ASSETS = "/api/v2/assets";
const gradient = readFileSync(gradientPath);
/** Another file, which shows the same. */
const other = Buffer.concat([gradient, Buffer.from("tail")]);
const REPLAY = { "idempotency-mode": "replay" };

/** No job goes back to a lower one, and none of the last follows another. */
const RANKS: Record<string, number> = {
  queued: 0,
  running: 1,
  canceling: 2,
  succeeded: 3,
  failed: 3,
  canceled: 3,
  expired: 3,
};

function isInOrder(states: readonly string[]): boolean {
  return states.every((state, at) => {
    const [rank = -1, before = -1] = [RANKS[state], RANKS[states[at - 1] ?? ""]];
    return rank >= 0 && (state === states[at - 1] || rank > before);
  });
}

/** The states that a stream has told. */
function statesIn(stream: string): string[] {
  return [...stream.matchAll(/^event: status\ndata: \{"status":"(\w+)"/gm)].map(([, state = ""]) => state);
}

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
  const look = async (id: string) =>
    schemas.zJob.parse(await (await call(`${JOBS}/${id}`, { headers: { prefer: "wait=0" } })).json());
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
  it("a job that no slot took in time is expired, with no error and no start, for a GET and for a stream", async () => {
    const busy = await submit(lasting(60));
    await until("it to run", async () => (await look(busy.id)).status === "running" || null);
    const late = fleet.client.run(quick(), {}, { startWithinMs: 1_000 });
    const { id } = await late.submitted;
    const path = `${JOBS}/${uuidOf(id)}`;
    const stream = (await call(`${path}/events`)).text();
    const job = schemas.zJob.parse(await (await call(path, { headers: { prefer: "wait=25" } })).json());
    expect(job).toMatchObject({ status: "expired", queue_position: null, started_at: null, outputs: [], error: null });
    expect(job.completed_at).not.toBeNull();
    const states = statesIn(await stream);
    expect(states[0]).toBe("queued");
    expect(new Set(states)).toEqual(new Set(["queued", "expired"]));
    expect(states.at(-1)).toBe("expired");
    await call(`${JOBS}/${busy.id}/cancel`, { method: "POST" });
    await until("it to end", async () => (await look(busy.id)).status === "canceled" || null);
  });

  it("polls without a pause, streams and cancels never see a job go back, or end in two ways", async () => {
    const wrong: string[] = [];
    const ends: Record<string, number> = { succeeded: 0, canceled: 0 };
    let polls = 0;
    async function oneJob(nth: number) {
      const isCanceled = nth % 3 === 0;
      const { id } = await submit(nth % 2 === 0 ? lasting(0.1) : picture());
      const stream = call(`${JOBS}/${id}/events`).then((response) => response.text());
      const canceled = isCanceled
        ? sleep(nth * 7 % 60).then(() => call(`${JOBS}/${id}/cancel`, { method: "POST" }))
          .then(async (response) => schemas.zJob.parse(await response.json()).status)
        : null;
      const seen: string[] = [];
      for (let afterEnd = 0; afterEnd < 3;) {
        const { status, queue_position, outputs } = await look(id);
        polls += 1;
        if ((status === "queued") !== (queue_position !== null)) wrong.push(`${status} at ${queue_position}`);
        if (status === "succeeded" && outputs.length !== 1) wrong.push(`succeeded with ${outputs.length} outputs`);
        if (seen.at(-1) !== status) seen.push(status);
        if (RANKS[status] === 3) afterEnd += 1;
      }
      const end = seen.at(-1) ?? "";
      const told = statesIn(await stream);
      for (const states of [seen, told]) if (!isInOrder(states)) wrong.push(states.join(", "));
      if (told.at(-1) !== end) wrong.push(`the stream ended with ${told.at(-1)}, the job with ${end}`);
      const said = await canceled;
      if (said !== null && RANKS[said] === 3 && said !== end) wrong.push(`cancel said ${said}, the job is ${end}`);
      if (!isCanceled && end !== "succeeded") wrong.push(`${end} without a cancel`);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    let next = 0;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (next < 120) await oneJob(next++);
    }));
    expect(wrong).toEqual([]);
    expect(Object.keys(ends).toSorted()).toEqual(["canceled", "succeeded"]);
    // Else the loops have seen nothing between the states.
    expect(polls).toBeGreaterThan(120 * 4);
    expect(Math.min(...Object.values(ends))).toBeGreaterThan(0);
  });
});
