import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Tracked } from "../../../../../contracts/edge/ports.ts";
import { FleetError } from "../../../../../contracts/errors.ts";
import type { JobEvent } from "../../../../../contracts/event.ts";
import type { Job } from "../../../../../contracts/job.ts";
import { toTimestamp } from "../../../../../contracts/ids.ts";
import { settle } from "../../jobs/manual-clock.ts";
import { jobIdAt, jobOf, outputOf, refused, setUpV2, succeededJob, uuid } from "./v2-fixture.ts";

const EVENTS = `/api/v2/jobs/${uuid(1)}/events`;
const PROGRESS = {
  value: 0.5,
  nodesDone: 1,
  nodesTotal: 2,
  currentNode: "3",
  currentNodeClass: "K",
  step: null,
  steps: null,
};

/** What jobs.watch yields, put in by the test; it ends with its signal. */
function setUp(changes: Parameters<typeof setUpV2>[0] = {}) {
  const waiting: (() => void)[] = [];
  const events: Tracked<JobEvent>[] = [];
  const watching = { count: 0, intervals: [] as (number | undefined)[] };
  let job: Job = jobOf();
  const put = (data: JobEvent) => {
    events.push({ id: "1", data });
    for (const wake of waiting.splice(0)) wake();
  };
  const status = (state: Job["state"], whole: Job | null = null) =>
    put({ type: "status", jobId: jobIdAt(1), ver: 1, state, attempt: 0, at: toTimestamp(0), reason: null, job: whole });
  const routes = setUpV2({
    ...changes,
    jobs: {
      get: () => Promise.resolve(job),
      async *watch(_caller, { progressIntervalMs }, signal) {
        watching.count += 1;
        watching.intervals.push(progressIntervalMs);
        try {
          for (let at = 0; !signal.aborted; at++) {
            while (at >= events.length && !signal.aborted) {
              await new Promise<void>((resolve) => {
                waiting.push(resolve);
                signal.addEventListener("abort", () => resolve(), { once: true });
              });
            }
            const event = events[at];
            if (event) yield event;
          }
        } finally {
          watching.count -= 1;
        }
      },
      ...changes.jobs,
    },
  });
  return { ...routes, put, status, watching, become: (next: Job) => (job = next) };
}

/** One frame a call: its name and what the published schema makes sure of. */
function framesOf(response: Response) {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  const come: string[] = [];
  const known: Record<string, z.ZodType> = {
    // These two are in the contract without being published as schemas.
    status: z.object({ status: schemas.zJobStatus, queue_position: z.int().min(0).nullable() }),
    preview: z.object({ node_id: z.string(), content_type: z.string(), data_base64: z.base64() }),
    progress: schemas.zProgress,
    output: schemas.zOutput,
  };
  return {
    cancel: () => reader.cancel(),
    async next(): Promise<{ event: string; data: Record<string, unknown> } | string | null> {
      if (come.length === 0) come.push(...(await reader.read()).value?.split(/(?<=\n\n)/) ?? []);
      const value = come.shift();
      if (value === undefined) return null;
      const [, event = "", text = "null"] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(value) ?? [];
      if (event === "") return value;
      const data = JSON.parse(text) as Record<string, unknown>;
      const schema = known[event];
      if (!schema) throw new Error(`The contract has no event '${event}'`);
      expect(schema.safeParse(data).error?.issues ?? []).toEqual([]);
      return { event, data };
    },
  };
}

describe("GET /api/v2/jobs/{id}/events", () => {
  it("tells the job as it is, then what happens, in the contract's events, and ends with the terminal status", async () => {
    const { call, put, status, watching } = setUp();
    status("queued");
    const frames = framesOf(await call(EVENTS));
    expect(await frames.next()).toEqual({ event: "status", data: { status: "queued", queue_position: 3 } });
    status("running");
    expect(await frames.next()).toEqual({ event: "status", data: { status: "running", queue_position: null } });
    put({ type: "progress", jobId: jobIdAt(1), attempt: 1, progress: PROGRESS });
    expect(await frames.next()).toMatchObject({
      event: "progress",
      data: { value: 0.5, current_node: "3", message: "K" },
    });
    const preview = {
      type: "preview",
      jobId: jobIdAt(1),
      attempt: 1,
      contentType: "image/png",
      dataBase64: "AA==",
    } as const;
    put({ ...preview, nodeId: null });
    expect(await frames.next()).toEqual({
      event: "preview",
      data: { node_id: "", content_type: "image/png", data_base64: "AA==" },
    });
    put({ type: "output", jobId: jobIdAt(1), attempt: 1, output: outputOf() });
    expect(await frames.next()).toMatchObject({
      event: "output",
      data: { id: uuid(2), node_id: "9", job_id: uuid(1) },
    });
    status("succeeded", succeededJob());
    expect(await frames.next()).toMatchObject({
      event: "status",
      data: { status: "succeeded", queue_position: null, outputs: [{ id: uuid(2) }], error: null },
    });
    expect(await frames.next()).toBeNull();
    await settle();
    expect(watching).toEqual({ count: 0, intervals: [500] });
  });

  it("tells the progress of a job that runs already, and not that of one that has just ended", async () => {
    const { call, status, become } = setUp();
    status("running");
    become(jobOf({ state: "running", progress: PROGRESS }));
    const first = framesOf(await call(EVENTS));
    expect(await first.next()).toMatchObject({ data: { status: "running" } });
    expect(await first.next()).toMatchObject({ event: "progress" });
    become(succeededJob());
    const second = framesOf(await call(EVENTS));
    expect(await second.next()).toMatchObject({ data: { status: "running" } });
    status("succeeded", succeededJob());
    // Every output is told before the end, also one that nobody told while the job ran.
    expect(await second.next()).toMatchObject({ event: "output", data: { id: uuid(2) } });
    expect(await second.next()).toMatchObject({ data: { status: "succeeded" } });
    expect(await second.next()).toBeNull();
    await first.cancel();
  });

  it("says where the job stands in the queue when that changes, and nothing once it has left it", async () => {
    const positions: (number | null)[] = [3, 3, 1, null];
    const { call, status, clock } = setUp({
      jobs: { queuePosition: () => Promise.resolve(positions.shift() ?? null) },
    });
    status("queued");
    const frames = framesOf(await call(EVENTS));
    expect(await frames.next()).toMatchObject({ data: { status: "queued", queue_position: 3 } });
    const next = frames.next();
    await clock.advance(10_000);
    expect(await next).toEqual({ event: "status", data: { status: "queued", queue_position: 1 } });
    const after = frames.next();
    await clock.advance(5_000);
    status("running");
    expect(await after).toMatchObject({ data: { status: "running" } });
    await frames.cancel();
  });

  it("says every 15 s that it lives", async () => {
    const { call, status, clock } = setUp();
    status("running");
    const frames = framesOf(await call(EVENTS));
    await frames.next();
    const next = frames.next();
    await clock.advance(15_000);
    expect(await next).toBe(": keep-alive\n\n");
    await frames.cancel();
  });

  it("answers 404 for an unknown job, and holds no slot for it", async () => {
    const watch = () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new FleetError("not_found", "Cannot find job")) }),
    });
    const { call } = setUp({ jobs: { watch } });
    for (let n = 0; n < 5; n++) expect(await refused(await call(EVENTS))).toMatchObject({ status: 404 });
  });

  it("refuses more streams than a tenant may have, until one is left, however it is left", async () => {
    const { call, status, watching } = setUp();
    status("running");
    const first = framesOf(await call(EVENTS));
    const client = new AbortController();
    await call(EVENTS, { signal: client.signal });
    const refusal = await call(EVENTS);
    expect(refusal.headers.get("retry-after")).toBe("2");
    expect(await refused(refusal)).toMatchObject({ status: 429, code: "too_many_streams" });
    await settle();
    expect(watching.count).toBe(2);
    // One reads and cancels; the other's connection is gone before it has read anything.
    await first.next();
    await first.cancel();
    client.abort();
    await settle();
    expect(watching.count).toBe(0);
    const again = [framesOf(await call(EVENTS)), framesOf(await call(EVENTS))];
    expect(await refused(await call(EVENTS))).toMatchObject({ status: 429 });
    for (const frames of again) await frames.cancel();
  });

  it("opens no stream for HEAD, nor for a client that is gone already", async () => {
    const { call, status, watching } = setUp();
    status("running");
    for (let n = 0; n < 5; n++) {
      const head = await call(EVENTS, { method: "HEAD" });
      expect({ status: head.status, body: head.body }).toEqual({ status: 200, body: null });
      await call(EVENTS, { signal: AbortSignal.abort() });
    }
    await settle();
    expect(watching.count).toBe(0);
  });

  it("ends when the edge stops and when the key is revoked, without a word about the job", async () => {
    const stopped = setUp();
    stopped.status("running");
    const frames = framesOf(await stopped.call(EVENTS));
    await frames.next();
    stopped.stop();
    expect(await frames.next()).toBeNull();

    const key = { active: true };
    const revoked = setUp({ isActive: () => Promise.resolve(key.active) });
    revoked.status("running");
    const others = framesOf(await revoked.call(EVENTS));
    await others.next();
    key.active = false;
    const next = others.next();
    await revoked.clock.advance(1_500);
    expect(await next).toBeNull();
    await settle();
    expect({ stopped: stopped.watching.count, revoked: revoked.watching.count }).toEqual({ stopped: 0, revoked: 0 });
  });
});
