import { describe, expect, it } from "vitest";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { run } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import { newJobId, newTenantId, sha256 } from "./samples.ts";

describe("job.service", () => {
  it("is kept with the job and given back by every read of it", async () => {
    await using t = await memoryStore();
    const service = { id: "fastwan2.2-5b", version: 1, seed: Number.MAX_SAFE_INTEGER };
    const idempotency = { space: "trpc" as const, key: "k" };
    const requestSha256 = sha256("request");
    const { id } = await t.submit({ service, idempotency, requestSha256 });
    expect((await t.job(id)).service).toEqual(service);
    expect((await t.store.listJobs(t.tenantId, { limit: 10 })).items[0]?.service).toEqual(service);
    expect(await t.store.findSubmission({ tenantId: t.tenantId, idempotency, requestSha256 }))
      .toMatchObject({ status: "existing", job: { service } });
    expect((await t.store.cancelJob({ tenantId: t.tenantId, jobId: id })).job?.service).toEqual(service);
  });

  it("is null for jobs from before the column", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: () => 1 });
    await migrate(driver, MIGRATIONS.filter(({ version }) => version < 3));
    const [id, tenantId] = [newJobId(), newTenantId()];
    await driver.write(function* () {
      yield* run("insert into tenant values ($1, 'old', 1)", [tenantId]);
      yield* run("insert into placement values ('k', '{}')", []);
      yield* run(
        `insert into job (id, tenant_id, request_sha256, state, ver, band, placement_key, attempt, losses,
          cancel_requested, created_at_ms, run_after_ms, run_within_ms, outputs)
          values ($1, $2, 'h', 'queued', 1, 1, 'k', 0, 0, 0, 1, 1, 1000, '[]')`,
        [id, tenantId],
      );
    });
    await migrate(driver, MIGRATIONS);
    const store = createStore(driver);
    expect(await store.getJob(id)).toMatchObject({ id, state: "queued", service: null });
    await store.close();
  });
});
