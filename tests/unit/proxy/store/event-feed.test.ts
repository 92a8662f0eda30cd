import { describe, expect, it } from "vitest";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { takeOver } from "../../../../proxy/store/sqlite/take-over.ts";
import { run } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import { newJobId, newTenantId, sampleJob } from "./samples.ts";

describe("the feed of events", () => {
  it("is one order over all jobs, of one tenant or of all", async () => {
    await using t = await memoryStore();
    expect(await t.store.lastEventSeq()).toBe(0);
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const [a, b] = [await t.submit(), await t.submit()];
    await t.store.submitJob(sampleJob(other));
    await t.start(b.id);
    await t.store.cancelJob({ tenantId: t.tenantId, jobId: a.id });
    const mine = await t.store.listFeed({ tenantId: t.tenantId, afterSeq: 0, limit: 10 });
    expect(mine.map(({ jobId, state }) => [jobId, state])).toEqual([
      [a.id, "queued"],
      [b.id, "queued"],
      [b.id, "running"],
      [a.id, "canceled"],
    ]);
    const all = await t.store.listFeed({ tenantId: null, afterSeq: 0, limit: 10 });
    const first = all[0]?.seq ?? 0;
    expect(all.map(({ seq }) => seq - first)).toEqual([0, 1, 2, 3, 4]);
    expect(all[2]).toMatchObject({ tenantId: other, ver: 1, attempt: 0, reason: null });
    expect(await t.store.lastEventSeq()).toBe(first + 4);
    expect(await t.store.listFeed({ tenantId: null, afterSeq: first + 2, limit: 1 })).toEqual([all[3]]);
  });

  it("gives no number twice, also one that was told and then lost with the power", async () => {
    await using t = await memoryStore();
    const { id } = await t.submit();
    await t.start(id);
    const told = await t.store.lastEventSeq();
    // The start of an attempt is the one transition that is not synced.
    await t.driver.write(() => run("delete from event where seq = $1", [told]));
    await t.driver.write(takeOver);
    expect(await t.store.lastEventSeq()).toBeLessThan(told);
    await t.submit();
    expect(await t.store.lastEventSeq()).toBeGreaterThan(told);
    await t.driver.write(takeOver);
    await t.driver.write(takeOver);
    const before = await t.store.lastEventSeq();
    await t.submit();
    expect(await t.store.lastEventSeq()).toBeGreaterThan(before + 1);
  });

  it("has the events of before the column, in the order of their time", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: () => 1 });
    const version = MIGRATIONS.find(({ statements }) => statements.some((sql) => sql.includes("event_seq")))?.version;
    await migrate(driver, MIGRATIONS.filter((one) => one.version < (version ?? 0)));
    const [tenantId, first, second] = [newTenantId(), newJobId(), newJobId()];
    await driver.write(function* () {
      yield* run("insert into tenant values ($1, 'old', 1)", [tenantId]);
      yield* run("insert into placement values ('k', '{}')", []);
      for (const id of [first, second]) {
        yield* run(
          `insert into job (id, tenant_id, request_sha256, state, ver, band, placement_key, attempt, losses,
            cancel_requested, created_at_ms, run_after_ms, run_within_ms, outputs)
            values ($1, $2, 'h', 'queued', 1, 1, 'k', 0, 0, 0, 1, 1, 1000, '[]')`,
          [id, tenantId],
        );
      }
      const insert = "insert into event (job_id, ver, state, attempt, at_ms) values ($1, $2, $3, 0, $4)";
      yield* run(insert, [second, 1, "queued", 5]);
      yield* run(insert, [first, 1, "queued", 7]);
      yield* run(insert, [first, 2, "canceled", 7]);
    });
    await migrate(driver, MIGRATIONS);
    const store = createStore(driver);
    const rows = await store.listFeed({ tenantId, afterSeq: 0, limit: 10 });
    expect(rows.map(({ seq, jobId, ver }) => [seq, jobId, ver])).toEqual([[1, second, 1], [2, first, 1], [
      3,
      first,
      2,
    ]]);
    expect(await store.getJob(first)).toMatchObject({ retryOf: null });
    await store.close();
  });
});
