import { describe, expect, it } from "vitest";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { run } from "../../../../proxy/store/transaction.ts";
import { newAttemptId, newBootId, newJobId, newPodId, newTenantId, sampleReceipt, sha256 } from "./samples.ts";

/** One job that has succeeded and one whose second attempt runs, as an edge of schema 12 has left them. */
async function oldStore() {
  const driver = createSqliteDriver({ path: ":memory:", now: () => 1_000 });
  await migrate(driver, MIGRATIONS.filter(({ version }) => version <= 12));
  const [tenantId, done, running, podId] = [newTenantId(), newJobId(), newJobId(), newPodId()];
  const live = newAttemptId();
  await driver.write(function* () {
    yield* run("insert into tenant values ($1, 'old', 1)", [tenantId]);
    yield* run("insert into placement values ('k', '{}')", []);
    const job =
      `insert into job (id, tenant_id, request_sha256, state, ver, band, placement_key, attempt, losses, pod_id,
      cancel_requested, created_at_ms, run_after_ms, run_within_ms, outputs)
      values ($1, $2, 'h', $3, $4, 1, 'k', $5, 0, $6, 0, 1, 1, 1000, '[]')`;
    yield* run(job, [done, tenantId, "succeeded", 4, 1, podId]);
    yield* run(job, [running, tenantId, "running", 7, 2, podId]);
    const attempt = `insert into attempt (id, job_id, no, pod_id, boot_id, state, offered_at_ms, started_at_ms,
      ended_at_ms, reason, graph_sha256) values ($1, $2, $3, $4, $5, $6, 2, 3, $7, $8, $9)`;
    const where = [podId, newBootId()];
    yield* run(attempt, [live, running, 2, ...where, "running", null, null, sha256("g")]);
    yield* run(attempt, [newAttemptId(), running, 1, ...where, "lost", 5, "pod_lost", sha256("g")]);
    yield* run(attempt, [newAttemptId(), done, 1, ...where, "succeeded", 5, null, sha256("g")]);
    const event = `insert into event (job_id, ver, state, attempt, at_ms, reason, tenant_id, seq)
      values ($1, $2, $3, 1, 9, $4, $5, $6)`;
    yield* run(event, [running, 1, "queued", null, tenantId, 11]);
    yield* run(event, [done, 1, "queued", null, tenantId, 12]);
    yield* run(event, [running, 7, "running", null, tenantId, 14]);
    yield* run(event, [done, 4, "succeeded", "why", tenantId, 13]);
    yield* run("insert into outbox values ($1, 'succeeded', 9)", [done]);
  });
  await migrate(driver, MIGRATIONS);
  const store = createStore(driver);
  return { driver, store, tenantId, done, running, podId, live, [Symbol.asyncDispose]: () => driver.close() };
}

describe("an upgrade from schema 12", () => {
  it("keeps every event under its number, and counts on from the highest", async () => {
    await using t = await oldStore();
    const told = async (afterSeq: number) =>
      (await t.store.listFeed({ tenantId: t.tenantId, afterSeq, limit: 10 }))
        .map(({ seq, jobId, ver, reason }) => [seq, jobId, ver, reason]);
    expect(await told(0)).toEqual([
      [11, t.running, 1, null],
      [12, t.done, 1, null],
      [13, t.done, 4, "why"],
      [14, t.running, 7, null],
    ]);
    await t.store.completeJob({ jobId: t.running, no: 2, outputs: [], assets: [], receipt: sampleReceipt });
    expect(await told(14)).toEqual([[15, t.running, 8, null]]);
  });

  it("keeps attempts with what became of them, and knows which is live", async () => {
    await using t = await oldStore();
    expect((await t.store.listLiveAttempts(t.podId)).map(({ id, jobId, no }) => ({ id, jobId, no }))).toEqual([
      { id: t.live, jobId: t.running, no: 2 },
    ]);
    const attempts = await t.store.listAttempts(t.running);
    expect(attempts.map(({ no, state, startedAtMs, endedAtMs, reason }) => [no, state, startedAtMs, endedAtMs, reason]))
      .toEqual([[1, "lost", 3, 5, "pod_lost"], [2, "running", 3, null, null]]);
    await t.store.completeJob({ jobId: t.running, no: 1, outputs: [], assets: [], receipt: sampleReceipt });
    expect((await t.store.listAttempts(t.running)).map(({ state }) => state)).toEqual(["succeeded", "superseded"]);
    expect(await t.store.listLiveAttempts()).toEqual([]);
  });

  it("refuses a second end, and a second live attempt, as before", async () => {
    await using t = await oldStore();
    const end = () => run("insert into outbox values ($1, 'failed', 10)", [t.done]);
    await expect(t.driver.write(end)).rejects.toThrow(/UNIQUE constraint failed: outbox.job_id/);
    const params = [newAttemptId(), t.running, 3, t.podId, newBootId(), "offered", sha256("g")];
    const offer = () =>
      run(
        `insert into attempt (id, job_id, no, pod_id, boot_id, state, offered_at_ms, graph_sha256)
        values ($1, $2, $3, $4, $5, $6, 2, $7)`,
        params,
      );
    await expect(t.driver.write(offer)).rejects.toThrow(/UNIQUE constraint failed: attempt.job_id/);
  });
});
