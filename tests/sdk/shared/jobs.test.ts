/** `@comfyorg/sdk`, unmodified: submit, wait, events, cancel, the workflow behind a job. */
import { JobFailed } from "@comfyorg/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { eventsOf, isRunning, progressOf, reached, statusesOf } from "../../support/sdk/events.ts";
import { lasting, picture, pictureThenLasting } from "../../support/sdk/graphs.ts";
import { askV2 } from "../../support/sdk/raw.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PNG = "89504e470d0a1a0a";

describe.each(EDGE_RUNTIMES)("jobs of the official SDK on an edge on %s", (runtime) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ runtime });
  });
  afterAll(async () => await stage?.[Symbol.asyncDispose]());

  const submit = (graph: Record<string, unknown>) => {
    const sdk = stage.sdk();
    return sdk.submit(sdk.workflows.fromJson(graph));
  };

  it("run() brings a picture home", async () => {
    const sdk = stage.sdk();
    const job = await sdk.run(sdk.workflows.fromJson(picture()));
    expect(job).toMatchObject({ id: expect.stringMatching(UUID), status: "succeeded", error: null });
    const [output, ...more] = job.getOutputs("2");
    expect(more).toEqual([]);
    expect(job.outputs).toHaveLength(1);
    expect(job.getOutputs("1")).toEqual([]);
    expect(output).toMatchObject({ nodeId: "2", type: "image", contentType: "image/png", jobId: job.id });
    expect(output?.name).toMatch(/\.png$/);
    const bytes = await output?.toBytes() ?? new Uint8Array();
    expect(bytes.byteLength).toBe(output?.sizeBytes);
    expect(Buffer.from(bytes.subarray(0, 8)).toString("hex")).toBe(PNG);
  });

  it("run() asks once for a job of under five seconds", async () => {
    const asked: string[] = [];
    const counting: typeof fetch = (input, init) => {
      asked.push(`${init?.method ?? "GET"} ${new URL(String(input)).pathname.replace(/[0-9a-f-]{36}/, "ID")}`);
      return fetch(input, init);
    };
    const sdk = stage.sdk({ fetch: counting });
    await sdk.run(sdk.workflows.fromJson(lasting(0.7)));
    expect(asked).toEqual(["POST /api/v2/jobs", "GET /api/v2/jobs/ID"]);
  });

  it("sixteen jobs at once all succeed, on both pods", async () => {
    const sdk = stage.sdk();
    const jobs = await Promise.all(
      Array.from({ length: 16 }, () => sdk.run(sdk.workflows.fromJson(lasting(0.2)))),
    );
    expect(jobs.map(({ status }) => status)).toEqual(jobs.map(() => "succeeded"));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(16);
    const { items } = await stage.fleet.client.trpc.jobs.list.query({ limit: 16 });
    expect(new Set(items.map(({ receipt }) => receipt?.pod?.id)).size).toBe(2);
  });

  it("events() tells states, progress that never falls, and the output before the end", async () => {
    const events = await eventsOf(await submit(lasting(2)));
    const statuses = statusesOf(events);
    expect(statuses.at(-1)).toBe("succeeded");
    expect(statuses).toContain("running");
    expect(events.at(-1)?.kind).toBe("statusChange");
    const progress = progressOf(events);
    expect(progress.length).toBeGreaterThanOrEqual(2);
    const values = progress.map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(progress.some(({ currentNode, step, steps }) => currentNode === "3" && step !== null && steps !== null))
      .toBe(true);
    expect(progress.every(({ nodesTotal }) => nodesTotal === 5)).toBe(true);
    const ready = events.findIndex((event) => event.kind === "outputReady");
    expect(ready).toBeGreaterThanOrEqual(0);
    expect(events[ready]).toMatchObject({ output: { nodeId: "5", type: "image" } });
  });

  it("events() tells of an output while the job runs on, and it can be had at once", async () => {
    const job = await submit(pictureThenLasting(4));
    for await (const event of job.events()) {
      if (event.kind !== "outputReady") continue;
      expect(event.output.nodeId).toBe("7");
      expect((await event.output.toBytes()).byteLength).toBe(event.output.sizeBytes);
      break;
    }
    // The SDK's own poll would be held.
    const now = await askV2(stage.target, `/jobs/${job.id}`, { headers: { prefer: "wait=0" } });
    expect(JSON.parse(now.text)).toMatchObject({ status: "running", outputs: [{ node_id: "7", type: "image" }] });
    await job.result();
    expect(job.outputs.map(({ nodeId }) => nodeId).toSorted()).toEqual(["5", "7"]);
  });

  it("events() of a finished job is its last state, and ends", async () => {
    const job = await submit(picture());
    await job.wait();
    expect(statusesOf(await eventsOf(job))).toEqual(["succeeded"]);
  });

  it("cancel() ends a queued job, and its stream says so", async () => {
    const busy = await Promise.all([submit(lasting(6)), submit(lasting(6))]);
    await Promise.all(busy.map((job) => reached(job, isRunning)));
    const waiting = await submit(picture());
    expect(waiting.status).toBe("queued");
    const events = eventsOf(waiting);
    await waiting.cancel();
    expect(waiting).toMatchObject({ status: "canceled", outputs: [] });
    expect(statusesOf(await events).at(-1)).toBe("canceled");
    await expect(waiting.result()).rejects.toBeInstanceOf(JobFailed);
    await Promise.all(busy.map((job) => job.cancel()));
    await Promise.all(busy.map((job) => job.wait()));
  });

  it("cancel() ends a running job, and again does nothing", async () => {
    const job = await submit(lasting(30));
    await reached(job, isRunning);
    await job.cancel();
    expect(["canceling", "canceled"]).toContain(job.status);
    await job.wait();
    expect(job).toMatchObject({ status: "canceled", error: null });
    await job.cancel();
    expect(job.status).toBe("canceled");
  });

  it("cancel() leaves a finished job as it is", async () => {
    const job = await submit(picture());
    await job.wait();
    await job.cancel();
    expect(job.status).toBe("succeeded");
    expect(job.outputs).toHaveLength(1);
  });

  it("jobs.get() takes up a job by its id alone", async () => {
    const { id } = await submit(lasting(1));
    const job = await stage.sdk().jobs.get(id);
    await job.result();
    expect(job).toMatchObject({ id, status: "succeeded" });
  });

  it("getWorkflow() gives the graph that was submitted", async () => {
    const graph = lasting(0.1);
    const job = await submit(graph);
    expect(await job.getWorkflow()).toEqual({ workflow: graph, format: "api" });
    await job.wait();
    expect(await (await stage.sdk().jobs.get(job.id)).getWorkflow()).toEqual({ workflow: graph, format: "api" });
  });

  it("an abort ends a wait at once, and the job goes on", async () => {
    const job = await submit(lasting(2));
    const leave = new AbortController();
    const wait = job.wait(undefined, leave.signal);
    setTimeout(() => leave.abort(new Error("enough")), 200);
    await expect(wait).rejects.toThrow("enough");
    await job.result();
    expect(job.status).toBe("succeeded");
  });
});
