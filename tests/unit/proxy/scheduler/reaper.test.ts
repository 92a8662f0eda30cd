import { afterEach, describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import { createReaper, type ReaperOptions } from "../../../../proxy/scheduler/reaper.ts";
import { createSignals } from "../../../../proxy/signals.ts";
import type { AttemptRow, JobRow, Transition } from "../../../../proxy/store/job-store.ts";
import { attemptId, bootId, edgeId, jobId, podId, tenantId } from "../jobs/ids.ts";
import { jobRow } from "../jobs/job-row.ts";
import { createManualClock, type ManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

function attempt(n: number, startedAtMs: number | null, fields: Partial<AttemptRow> = {}): AttemptRow {
  return {
    id: attemptId(n),
    jobId: jobId(n),
    tenantId: tenantId(1),
    no: 2,
    podId: podId(1),
    bootId: bootId(1),
    state: "running",
    offeredAtMs: 0,
    startedAtMs,
    endedAtMs: null,
    reason: null,
    graphSha256: "0".repeat(64),
    traceparent: null,
    jobState: "running",
    ...fields,
  };
}

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

/** @param upForMs how long some edge has played the role already */
function start({ upForMs = 1_000_000, ...options }: Partial<ReaperOptions> & { upForMs?: number } = {}) {
  const clock: ManualClock = createManualClock();
  const world = {
    due: [] as JobRow[],
    attempts: [] as AttemptRow[],
    calls: [] as [string, JobId, number, string?][],
    reads: 0,
    old: 0,
    removals: 0,
    failing: false,
    upSinceMs: clock.nowMs() - upForMs,
    leader: true,
    rendered: new Set<string>(),
  };
  const signals = createSignals();
  const changed: JobId[] = [];
  signals.on("job", ({ id }) => changed.push(id));
  const end = (call: string, { jobId: id, no }: { jobId: JobId; no: number }, code?: string): Promise<Transition> => {
    world.calls.push(code === undefined ? [call, id, no] : [call, id, no, code]);
    world.attempts = world.attempts.filter((one) => one.jobId !== id);
    return Promise.resolve({ status: "done", job: jobRow({ id }) });
  };
  const reaper = createReaper({
    store: {
      expireJobs: (limit) =>
        world.failing ? Promise.reject(new Error("gone")) : Promise.resolve(world.due.splice(0, limit)),
      listLiveAttempts: () => Promise.resolve(world.attempts),
      getJob: (id) => {
        world.reads += 1;
        return Promise.resolve(jobRow({ id, runWithinMs: 10_000 }));
      },
      failJob: (input) => end("failJob", input, input.error.code),
      confirmCanceled: (input) => end("confirmCanceled", input),
      takeRole: () => Promise.resolve(world.leader ? { epoch: 1, upSinceMs: world.upSinceMs } : null),
      removeExpired(limit) {
        const jobs = Math.min(limit, world.old);
        world.old -= jobs;
        world.removals += 1;
        return Promise.resolve({ jobs, assets: 0, uploadKeys: 0 });
      },
      now: () => Promise.resolve(clock.nowMs()),
    },
    rendered: { isRendered: ({ id }) => world.rendered.has(id) },
    signals,
    clock,
    logger: silentLogger,
    edgeId: edgeId(1),
    ...options,
  });
  stopLast = () => reaper.stop();
  reaper.start();
  return { world, clock, changed, reaper };
}

describe("createReaper()", () => {
  it("expires what is due, in batches, and tells whoever watches", async () => {
    const { world, clock, changed } = start();
    world.due = Array.from({ length: 230 }, (_, n) => jobRow({ id: jobId(n), state: "expired" }));
    await clock.advance(1_000);
    expect(changed).toHaveLength(230);
  });

  it("removes what is kept no longer, a few at a time, and goes on with the rest in its next round", async () => {
    const { world, clock } = start();
    await clock.advance(1_000);
    const idle = world.removals;
    world.old = 1_000;
    await clock.advance(5_000);
    expect(world.old).toBe(0);
    expect(world.removals - idle).toBeGreaterThanOrEqual(50);
    world.leader = false;
    await clock.advance(10_000);
    world.old = 1_000;
    await clock.advance(10_000);
    expect(world.old).toBe(1_000);
  });

  it("fails a run that is past its cap and the grace, and no other", async () => {
    const { world, clock, changed } = start();
    const nowMs = clock.nowMs();
    world.attempts = [attempt(1, nowMs - 10_000), attempt(2, nowMs - 180_000), attempt(3, null)];
    await clock.advance(9_000);
    expect(world.calls).toEqual([]);
    await clock.advance(10_000);
    expect(world.calls).toEqual([["failJob", jobId(2), 2, "timeout"]]);
    expect(changed).toEqual([jobId(2)]);
  });

  it("leaves a run alone that is over and whose outputs are being fetched", async () => {
    const { world, clock } = start();
    world.attempts = [attempt(1, 0)];
    world.rendered.add(attemptId(1));
    await clock.advance(600_000);
    expect(world.calls).toEqual([]);
    world.rendered.clear();
    await clock.advance(6_000);
    expect(world.calls).toEqual([["failJob", jobId(1), 2, "timeout"]]);
  });

  it("leaves an agent the time to wait for its ComfyUI before the cap counts", async () => {
    const { world, clock } = start();
    world.attempts = [attempt(1, clock.nowMs())];
    await clock.advance(10_000 + 120_000 + 55_000);
    expect(world.calls).toEqual([]);
  });

  it("ends an overdue run whose cancel was never confirmed as canceled", async () => {
    const { world, clock } = start();
    world.attempts = [attempt(1, 0, { jobState: "canceling" })];
    await clock.advance(6_000);
    expect(world.calls).toEqual([["confirmCanceled", jobId(1), 2]]);
  });

  it("gives agents time to report after an outage of the edge", async () => {
    const { world, clock } = start({ upForMs: 0 });
    world.attempts = [attempt(1, 0)];
    await clock.advance(179_000);
    expect(world.calls).toEqual([]);
    await clock.advance(10_000);
    expect(world.calls).toHaveLength(1);
  });

  it("reads a job's cap once", async () => {
    const { world, clock } = start();
    world.attempts = [attempt(1, clock.nowMs())];
    await clock.advance(30_000);
    expect(world.reads).toBe(1);
  });

  it("does nothing without the role", async () => {
    const { world, clock } = start();
    world.leader = false;
    await clock.advance(5_000);
    world.attempts = [attempt(1, 0)];
    await clock.advance(20_000);
    expect(world.calls).toEqual([]);
  });

  it("survives the store's death, and stops at once", async () => {
    const { world, clock, changed, reaper } = start();
    world.failing = true;
    await clock.advance(20_000);
    world.failing = false;
    world.due = [jobRow({ id: jobId(1) })];
    await clock.advance(11_000);
    expect(changed).toEqual([jobId(1)]);
    await reaper.stop();
    expect(clock.sleeping()).toBe(0);
  });
});
