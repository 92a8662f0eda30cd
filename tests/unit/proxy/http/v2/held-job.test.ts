import { schemas } from "@comfyorg/sdk/low";
import { describe, expect, it } from "vitest";
import type { Job } from "../../../../../contracts/job.ts";
import { toTimestamp } from "../../../../../contracts/ids.ts";
import { settle } from "../../jobs/manual-clock.ts";
import { bodyBy, jobIdAt, jobOf, outputOf, refused, setUpV2, succeededJob, uuid } from "./v2-fixture.ts";

const JOBS = "/api/v2/jobs";
const JOB = `${JOBS}/${uuid(1)}`;

/** A job that stays as it is until the test says otherwise; a GET waits for that, for its time or its signal. */
function setUpGet(changes: Parameters<typeof setUpV2>[0] = {}) {
  let job = jobOf();
  const waits: number[] = [];
  const changed = Promise.withResolvers<void>();
  const routes = setUpV2({
    ...changes,
    jobs: {
      async get(_caller, { waitMs }, signal) {
        waits.push(waitMs);
        const aborted = new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true })
        );
        if (waitMs > 0 && !signal.aborted) {
          await Promise.race([changed.promise, aborted, routes.clock.sleep(waitMs, signal)]);
        }
        return job;
      },
      ...changes.jobs,
    },
  });
  const become = (next: Job) => {
    job = next;
    changed.resolve();
  };
  return { ...routes, waits, become };
}

describe("GET /api/v2/jobs/{id}", () => {
  it("is held until the job is final", async () => {
    const { call, waits, become } = setUpGet();
    const answer = call(JOB);
    await settle();
    become(succeededJob());
    const body = await bodyBy(schemas.zGetJobResponse, await answer);
    expect(waits).toEqual([5_000]);
    expect(body).toMatchObject({
      status: "succeeded",
      queue_position: null,
      metrics: { queue_ms: 2_000, execution_ms: 3_000 },
      outputs: [{ node_id: "9", id: uuid(2), hash: null, job_id: uuid(1), size_bytes: 1_848_320 }],
    });
  });

  it("is answered with the job as it is when the time is over, Prefer's where it has one", async () => {
    const { call, waits, clock } = setUpGet();
    const held = call(JOB);
    await clock.advance(5_000);
    expect(await (await held).json()).toMatchObject({ status: "queued", queue_position: 3 });
    const preferred = await call(JOB, { headers: { prefer: "wait=0" } });
    expect(preferred.headers.get("preference-applied")).toBe("wait=0");
    const long = call(JOB, { headers: { prefer: "wait=60" } });
    await clock.advance(25_000);
    expect((await long).headers.get("preference-applied")).toBe("wait=25");
    expect(waits).toEqual([5_000, 0, 25_000]);
  });

  it("is answered when the edge stops, and let go of when its client leaves", async () => {
    const { call, stop, clock } = setUpGet();
    const client = new AbortController();
    const left = call(JOB, { signal: client.signal });
    await settle();
    expect(clock.sleeping()).toBe(1);
    client.abort();
    await left;
    expect(clock.sleeping()).toBe(0);
    const held = call(JOB);
    await settle();
    stop();
    expect((await held).status).toBe(200);
    expect(clock.sleeping()).toBe(0);
    expect(await refused(await call(JOB))).toMatchObject({ status: 503, code: "edge_stopping" });
  });

  it("tells nothing to a key that was revoked while it was held", async () => {
    const key = { active: true };
    const { call, become } = setUpGet({ isActive: () => Promise.resolve(key.active) });
    const held = call(JOB);
    await settle();
    key.active = false;
    become(succeededJob());
    expect(await refused(await held)).toMatchObject({ status: 401, code: "unauthorized" });
  });

  it("asks for the place in the queue only of a job that was found queued, and never says null of one", async () => {
    const asked: string[] = [];
    const queuePosition = (id: string) => {
      asked.push(id);
      return Promise.resolve(null);
    };
    const { call, become } = setUpGet({ jobs: { queuePosition } });
    const now = () => call(JOB, { headers: { prefer: "wait=0" } });
    // It left the queue between the two reads: its place was the first.
    expect(await (await now()).json()).toMatchObject({ status: "queued", queue_position: 0 });
    for (const state of ["running", "canceling", "failed", "canceled", "expired"] as const) {
      become(jobOf({ state }));
      expect(await bodyBy(schemas.zGetJobResponse, await now())).toMatchObject({ status: state, queue_position: null });
    }
    expect(asked).toEqual([jobIdAt(1)]);
  });

  it("shows progress and errors as the contract has them", async () => {
    const { call, become } = setUpGet();
    const progress = {
      value: 0.42,
      nodesDone: 11,
      nodesTotal: 31,
      currentNode: "12",
      currentNodeClass: "KSampler",
      step: 21,
      steps: 50,
    };
    become(jobOf({ state: "running", startedAt: toTimestamp(1_700_000_001_000), progress, outputs: [outputOf()] }));
    expect(await bodyBy(schemas.zJob, await call(JOB))).toMatchObject({
      progress: {
        value: 0.42,
        nodes_done: 11,
        nodes_total: 31,
        current_node_class: "KSampler",
        message: "KSampler 21/50",
      },
      metrics: { queue_ms: 1_000, execution_ms: null },
      outputs: [{ name: "Comfy_00001_.png" }],
    });
    become(jobOf({
      state: "failed",
      error: {
        code: "execution_failed",
        message: "Cannot run node 3: it raised",
        hint: "Look at it.",
        nodeId: "3",
        classType: "K",
      },
    }));
    expect(await bodyBy(schemas.zJob, await call(JOB))).toMatchObject({
      progress: null,
      error: {
        code: "execution_failed",
        message: "Cannot run node 3: it raised. Look at it.",
        node_id: "3",
        class_type: "K",
        traceback: null,
      },
    });
  });

  it.each(["x", "job_00000000000000000000000000", uuid(1).slice(1), `${uuid(1)}%00`, "%E0%80"])(
    "knows no job %s",
    async (id) => {
      expect(await refused(await setUpGet().call(`${JOBS}/${id}`))).toMatchObject({ status: 404, code: "not_found" });
    },
  );
});
