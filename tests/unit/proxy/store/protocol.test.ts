/**
 * The store under a fleet that misbehaves (see `protocol-fleet.ts`), from fixed seeds. The last tests take guards away and
 * expect the same checks to notice: without that, a run that finds nothing would prove nothing.
 */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { CompleteJob, Transition } from "../../../../proxy/store/job-store.ts";
import type { Store } from "../../../../proxy/store/port.ts";
import { happened, one, run, type StoreDriver, type Transaction } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import { createFollower } from "./protocol-follower.ts";
import { Fleet } from "./protocol-fleet.ts";
import { finalViolations, jobsWithTwoLiveAttempts } from "./protocol-invariants.ts";
import { createRandom } from "./random.ts";

const JOBS = 150;
const MAX_STEPS = 40_000;

type Sabotage = (store: Store, driver: StoreDriver) => Partial<Store>;

/** Runs a fleet until every job has ended. */
async function simulate(seed: number, sabotage: Sabotage = () => ({})) {
  await using t = await memoryStore();
  const random = createRandom(seed);
  const store = { ...t.store, ...sabotage(t.store, t.driver) };
  const fleet = new Fleet({ store, tenantId: t.tenantId, random, time: t.time }, { pods: 8, edges: 3 });
  const violations: string[] = [];
  const follower = createFollower(store, t.tenantId);
  for (let step = 0; step < MAX_STEPS; step++) {
    t.time.nowMs += random.below(10);
    const isEnding = fleet.jobs.length >= JOBS;
    if (!isEnding && random.chance(0.1)) await fleet.submit();
    if (!isEnding && random.chance(0.02)) await fleet.retry();
    if (!isEnding && random.chance(0.01)) fleet.crashPod();
    if (!isEnding && random.chance(0.01)) fleet.silencePod();
    if (!isEnding && random.chance(0.01)) fleet.crashEdge();
    if (!isEnding && random.chance(0.02)) await fleet.cancel();
    await random.must([() => fleet.plan(), () => fleet.deliver(), () => fleet.beat(), () => fleet.expire()])();
    if (random.chance(0.02)) await fleet.recall();
    if (random.chance(0.3)) fleet.run();
    if (random.chance(0.05)) await follower.read(1 + random.below(20));
    if (step % 20 === 0) violations.push(...await jobsWithTwoLiveAttempts(t.driver));
    if (isEnding && step % 100 === 0 && await fleet.isDone()) break;
  }
  violations.push(...await t.driver.read(finalViolations), ...await follower.violations(t.driver));
  const ended = await Promise.all(fleet.jobs.map(async (id) => (await t.store.getJob(id))?.state));
  return { violations, counts: fleet.counts, endStates: new Set(ended) };
}

const COMPLETE = `update job set state = 'succeeded', winner = $2, outputs = $3, ver = ver + 1, completed_at_ms = 1
  where id = $1 returning ver`;
const EVENT = `insert into event (job_id, ver, state, attempt, at_ms) values ($1, $2, 'succeeded', $3, 1)`;
const OUTBOX = `insert into outbox (job_id, state, at_ms) values ($1, 'succeeded', 1)`;

/** `completeJob` without its guard. */
function* completeAnyway(input: CompleteJob, outbox: string): Transaction<Transition> {
  const { jobId, no, outputs } = input;
  const row = yield* one(COMPLETE, [jobId, no, JSON.stringify(outputs)], z.object({ ver: z.int() }));
  yield* run(EVENT, [jobId, row?.ver ?? 0, no]);
  yield* run(outbox, [jobId]);
  yield* run("update attempt set state = 'succeeded' where job_id = $1 and no = $2", [jobId, no]);
  return { status: "stale", job: null };
}

describe("the store under a fleet that misbehaves", () => {
  it.each([1, 2, 3, 4, 5, 6])("ends every job exactly once, seed %i", async (seed) => {
    const { violations, counts, endStates } = await simulate(seed);
    expect(violations).toEqual([]);
    expect(endStates).toEqual(new Set(["succeeded", "failed", "canceled", "expired"]));
    // A run in which nothing went wrong would show nothing.
    for (const [what, count] of Object.entries(counts)) {
      if (what !== "refused") expect(count, what).toBeGreaterThan(0);
    }
    expect(counts.refused).toBe(0);
  });

  it("finds a completeJob() without its guard: the outbox refuses a second end", async () => {
    const { counts } = await simulate(1, (_, driver) => ({
      completeJob: (input) => driver.write(() => completeAnyway(input, OUTBOX)),
    }));
    expect(counts.refused).toBeGreaterThan(0);
  });

  it("finds a completeJob() without its guard and without the outbox's", async () => {
    const { violations } = await simulate(1, (_, driver) => ({
      completeJob: (input) => driver.write(() => completeAnyway(input, `${OUTBOX} on conflict do nothing`)),
    }));
    expect(violations.filter((violation) => violation.endsWith("has not one terminal event"))).not.toEqual([]);
  });

  it("finds an assignJob() without its guard: two live attempts are refused by the table itself", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    await t.assign(jobId);
    await t.driver.write(() => happened("update job set state = 'queued' where id = $1 returning id", [jobId]));
    await expect(t.assign(jobId)).rejects.toThrow(/UNIQUE constraint failed: attempt.job_id/);
    expect(await jobsWithTwoLiveAttempts(t.driver)).toEqual([]);
  });
});
