// An attempt of a job that is about to be stored: dispatcher.prepare().
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { PreparedAttempt } from "../../../../proxy/jobs/port.ts";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import type { NewJob } from "../../../../proxy/store/new-job.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { newAssetId, sampleJob } from "../store/samples.ts";

async function prepare(side: PodSide): Promise<{ job: NewJob; prepared: PreparedAttempt }> {
  const job = sampleJob(side.tenantId);
  const prepared = await side.dispatcher.prepare(job, side.live());
  if (prepared === null) throw new Error("it was not prepared");
  return { job, prepared };
}

async function stored(side: PodSide): Promise<{ row: JobRow; prepared: PreparedAttempt }> {
  const { job, prepared } = await prepare(side);
  const row = await side.submit({ ...job, assignment: prepared.assignment });
  return { row, prepared };
}

describe("prepare()", () => {
  it("takes a place on the pod; start() gives the pod what was stored", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { row, prepared } = await stored(side);
    const { attemptId } = prepared.assignment;
    expect(row).toMatchObject({ state: "assigned", attempt: 1, podId: side.podId });
    expect(prepared.assignment).toMatchObject({ podId: side.podId, bootId: side.agent.bootId });
    expect(side.live().freeSlots).toBe(0);
    expect(side.agent.starts).toEqual([]);
    expect(await prepared.start(row)).toBe("started");
    expect(side.agent.starts).toHaveLength(1);
    expect(side.lastStart()).toMatchObject({ attemptId, jobId: row.id, no: 1, inputs: [], after: null });
    expect((await side.job(row.id)).state).toBe("running");
    expect((await side.attempt(attemptId)).state).toBe("running");
  });

  it("hashes the graph as a dispatch does", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { prepared } = await prepare(side);
    prepared.drop();
    const { id } = await side.submit();
    await side.dispatch(id);
    const { graphSha256 } = await side.attempt(side.lastStart().attemptId);
    expect(prepared.assignment.graphSha256).toBe(graphSha256);
  });

  it("gives the place back when it is dropped, and tells nobody of the attempt", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { prepared } = await prepare(side);
    let freed = 0;
    side.signals.on("pods", () => freed += 1);
    prepared.drop();
    expect(side.live().freeSlots).toBe(1);
    expect(freed).toBe(1);
    expect(side.agent.starts).toEqual([]);
  });

  it("is not taken for lost by a beat before it is started, and is found by one when nobody starts it", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { row, prepared } = await stored(side);
    await side.advance(10_000);
    expect((await side.job(row.id)).state).toBe("assigned");
    prepared.drop();
    await side.advance(10_000);
    await until(async () => (await side.job(row.id)).state === "queued");
    expect((await side.attempt(prepared.assignment.attemptId)).state).toBe("lost");
  });

  it("puts the job back in the queue when the pod gives it back, at no cost", async () => {
    await using side = await setUpPodSide();
    await side.start();
    side.agent.onStart = () => {
      throw new FleetError("slot_busy", "Cannot start now");
    };
    const { row, prepared } = await stored(side);
    let hints = 0;
    side.signals.on("queue", () => hints += 1);
    expect(await prepared.start(row)).toBe("given_back");
    expect(await side.job(row.id)).toMatchObject({ state: "queued", losses: 0 });
    expect(hints).toBe(1);
    expect(side.live().freeSlots).toBe(1);
  });

  it("reaches the agent with a cancel that comes between the commit and the start", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { row, prepared } = await stored(side);
    const canceled = await side.store.cancelJob({ tenantId: side.tenantId, jobId: row.id });
    expect(canceled.job?.state).toBe("canceling");
    const told: string[] = [];
    side.signals.on("job", (job) => told.push(job.state));
    expect(await prepared.start(row)).toBe("started");
    expect(told).toEqual(["canceling"]);
  });

  it("never rejects: what goes wrong after the commit is logged, and the session's to find out", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { row, prepared } = await stored(side);
    side.store.startJob = () => Promise.reject(new Error("disk full"));
    expect(await prepared.start(row)).toBe("unmoved");
    expect(side.lines.filter(({ message }) => message === "dispatch failed")).toHaveLength(1);
  });

  it("is null for what needs a second look, and takes no place then", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const pod = side.live();
    const job = sampleJob(side.tenantId);
    expect(await side.dispatcher.prepare(job, { ...pod, objectInfoSha256: null })).toBeNull();
    expect(await side.dispatcher.prepare(job, { ...pod, objectInfoSha256: "unknown" })).toBeNull();
    const image = { __type: "core/ASSET", info: { id: newAssetId() } };
    const tooSmall = { class_type: "EmptyImage", inputs: { width: 0 } };
    const lacking = { class_type: "LoadImage", inputs: { image } };
    for (const workflow of [{ "1": tooSmall }, { "1": lacking }]) {
      expect(await side.dispatcher.prepare({ ...job, spec: { kind: "workflow", workflow } }, pod)).toBeNull();
    }
    expect(side.live().freeSlots).toBe(1);
  });
});
