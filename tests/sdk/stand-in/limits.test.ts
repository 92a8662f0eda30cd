/** Limits as the official SDK meets them: it is told when to come back, comes back, and its work is done. */
import { QueueFull } from "@comfyorg/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES, until } from "../../support/fleet/fleet.ts";
import { eventsOf, isRunning, reached, statusesOf } from "../../support/sdk/events.ts";
import { lasting, picture } from "../../support/sdk/graphs.ts";
import { askV2, postV2 } from "../../support/sdk/raw.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

describe.each(EDGE_RUNTIMES)("limits of an edge on %s", (runtime) => {
  it("submits that come too fast are paced by the SDK, and all succeed", async () => {
    await using stage = await startStage({ runtime, env: { V2_REQUESTS_PER_SECOND: "2" } });
    const sdk = stage.sdk();
    const startedMs = performance.now();
    const jobs = await Promise.all(Array.from({ length: 8 }, () => sdk.submit(sdk.workflows.fromJson(picture()))));
    // A burst of four, and then two a second.
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    await until("every job to succeed", async () => {
      const { items } = await stage.fleet.client.trpc.jobs.list.query({});
      return items.filter(({ state }) => state === "succeeded").length === jobs.length || null;
    });
    const answers = await Promise.all(Array.from({ length: 8 }, () => askV2(stage.target, `/jobs/${jobs[0]?.id}`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { error, headers } of refused) {
      expect(error?.code).toBe("rate_limited");
      expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    }
    const tenant = await stage.fleet.client.trpc.tenants.create.mutate({ name: "patient" });
    const { key } = await stage.fleet.client.trpc.keys.create.mutate({ tenantId: tenant.id });
    expect((await askV2(stage.target, "/jobs", { key })).status).toBe(200);
  });
});

describe.each(EDGE_RUNTIMES)("bounds of a tenant on an edge on %s", (runtime) => {
  let stage: Stage;
  beforeAll(async () => {
    const env = { TENANT_MAX_QUEUED: "1", V2_MAX_STREAMS: "2", ASSET_URL_TTL_MS: "1500" };
    stage = await startStage({ runtime, env });
  });
  afterAll(async () => await stage?.[Symbol.asyncDispose]());

  it("a full queue is said with a time to wait, and taken once there is room", async () => {
    const sdk = stage.sdk();
    const workflow = (seconds: number) => sdk.workflows.fromJson(lasting(seconds));
    const busy = [await sdk.submit(workflow(4))];
    await reached(busy[0] ?? await sdk.submit(workflow(4)), isRunning);
    busy.push(await sdk.submit(workflow(4)));
    await Promise.all(busy.map((job) => reached(job, isRunning)));
    // One goes ahead to each busy pod, and the next fills the queue.
    let full = await postV2(stage.target, "/jobs", { workflow: picture() });
    for (let more = 0; full.status === 201 && more < 3; more++) {
      full = await postV2(stage.target, "/jobs", { workflow: picture() });
    }
    expect(full).toMatchObject({ status: 429, error: { code: "queue_full" } });
    expect(Number(full.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const leave = new AbortController();
    const impatient = sdk.submit(sdk.workflows.fromJson(picture()), { signal: leave.signal });
    setTimeout(() => leave.abort(new Error("too long")), 300);
    await expect(impatient).rejects.not.toBeInstanceOf(QueueFull);
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    expect(job.status).toBe("succeeded");
  });

  it("too many streams: the SDK polls and comes back, and a client that leaves makes room", async () => {
    const sdk = stage.sdk();
    const job = await sdk.submit(sdk.workflows.fromJson(lasting(16)));
    const leave = new AbortController();
    const opened = [1, 2].map(() => Promise.withResolvers<void>());
    const gone = Promise.allSettled(opened.map(async ({ resolve }) => {
      for await (const event of job.events(leave.signal)) if (event.kind === "statusChange") resolve();
    }));
    await Promise.all(opened.map(({ promise }) => promise));
    const refused = await askV2(stage.target, `/jobs/${job.id}/events`);
    expect(refused).toMatchObject({ status: 429, error: { code: "too_many_streams" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const third = eventsOf(job);
    leave.abort(new Error("bye"));
    await gone;
    const events = await third;
    expect(statusesOf(events).at(-1)).toBe("succeeded");
    expect(events.some(({ kind }) => kind === "progress")).toBe(true);
  });

  it("a signed address ends when it says, and a fresh one is good", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    const [{ id, url } = { id: "", url: "" }] = (await stage.low().getJob(job.id)).outputs;
    expect((await fetch(url)).status).toBe(200);
    await until("the address to end", async () => ((await fetch(url)).status === 401) || null);
    const fresh = await stage.low().getAsset(id);
    expect((await fetch(fresh.url)).status).toBe(200);
    expect(Date.parse(fresh.url_expires_at)).toBeGreaterThan(Date.now());
  });
});
