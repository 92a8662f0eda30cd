import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { sampleReceipt } from "./samples.ts";

const loss = { reason: "pod_lost", countLoss: true, retryInMs: 0, maxLosses: 20 };
const result = { outputs: [], assets: [], receipt: sampleReceipt };

describe("completeJob() of a job that waits for an attempt to start", () => {
  it("starts the attempt first when it is the one that has ended", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.assign(jobId);
    t.time.nowMs += 5;
    const moved = await t.store.completeJob({ jobId, no, ...result });
    const nowMs = t.time.nowMs;
    expect(moved.job).toMatchObject({ state: "succeeded", winner: no, startedAtMs: nowMs, completedAtMs: nowMs });
    expect((await t.store.listEvents(jobId, 0)).map(({ ver, state }) => [ver, state])).toEqual([
      [1, "queued"],
      [3, "running"],
      [4, "succeeded"],
    ]);
    expect((await t.store.listAttempts(jobId))[0]).toMatchObject({ state: "succeeded", startedAtMs: nowMs });
  });

  it("starts none when an earlier one has ended, whose result counts all the same", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const first = await t.start(jobId);
    await t.store.loseAttempt({ jobId, no: first, ...loss });
    const second = await t.assign(jobId);
    await t.store.completeJob({ jobId, no: first, ...result });
    const attempts = await t.store.listAttempts(jobId);
    expect(attempts.map(({ no, state, startedAtMs }) => [no, state, startedAtMs === null])).toEqual([
      [first, "succeeded", false],
      [second, "superseded", true],
    ]);
  });
});
