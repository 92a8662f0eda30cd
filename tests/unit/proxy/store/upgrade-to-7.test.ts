import { describe, expect, it } from "vitest";
import type { Output } from "../../../../contracts/asset.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { linkOldJobs } from "../../../../proxy/store/old-jobs.ts";
import { run, type SqlRow, type SqlValue, type Transaction } from "../../../../proxy/store/transaction.ts";
import { newAssetId, newJobId, newTenantId, sampleAsset, sampleJob, sampleOutput, sha256 } from "./samples.ts";

const MONTH_MS = 30 * 86_400_000;

/** A store as an edge of schema 6 has left it, and what this build makes of it. */
async function oldStore() {
  const time = { nowMs: 1_000_000 };
  const driver = createSqliteDriver({ path: ":memory:", now: () => time.nowMs });
  await migrate(driver, MIGRATIONS.filter(({ version }) => version <= 6));
  const write = (sql: string, params: SqlValue[]) => driver.write(() => run(sql, params));
  const tenantId = newTenantId();
  const otherTenant = newTenantId();
  for (const id of [tenantId, otherTenant]) await write("insert into tenant values ($1, 'old', 1)", [id]);
  await write("insert into placement values ('p', '{\"classes\":[],\"models\":[]}')", []);
  return {
    driver,
    time,
    tenantId,
    otherTenant,
    async asset(fileName: string, blake3: string | null, owner = tenantId) {
      const id = newAssetId();
      const params = [id, owner, fileName, sha256(fileName), blake3];
      await write(
        `insert into asset (id, tenant_id, file_name, content_type, size_bytes, sha256, blake3, created_at_ms)
        values ($1, $2, $3, 'image/png', 3, $4, $5, 1)`,
        params,
      );
      return id;
    },
    async job(state: string, { uses = [], outputs = [] }: { uses?: string[]; outputs?: Output[] } = {}) {
      const id = newJobId();
      const completed = state === "succeeded" ? time.nowMs : null;
      await write(
        `insert into job (id, tenant_id, request_sha256, state, ver, band, placement_key, attempt, losses,
        cancel_requested, created_at_ms, run_after_ms, run_within_ms, outputs, completed_at_ms)
        values ($1, $2, 'r', $3, 1, 1, 'p', 0, 0, 0, $4, $4, 60000, $5, $6)`,
        [id, tenantId, state, time.nowMs, JSON.stringify(outputs), completed],
      );
      const inputs = uses.map((assetId, n) => [String(n), { __type: "core/ASSET", info: { id: assetId } }]);
      const workflow = { "1": { class_type: "LoadImage", inputs: Object.fromEntries(inputs) } };
      await write("insert into job_spec values ($1, $2)", [id, JSON.stringify({ kind: "workflow", workflow })]);
      return id;
    },
    async upgrade() {
      await migrate(driver, MIGRATIONS);
      return createStore(driver);
    },
    [Symbol.asyncDispose]: () => driver.close(),
  };
}

function* linkAgain(): Transaction<void> {
  yield* run("delete from job_asset", []);
  yield* linkOldJobs();
}

/** How SQLite goes about the reading statements of a transaction, and how many rows each gave. */
function* looks(transaction: Transaction<void>): Transaction<{ plans: string[]; most: number }> {
  const plans: string[] = [];
  let most = 0;
  for (let step = transaction.next(); !step.done;) {
    const statement = step.value;
    let rows: readonly SqlRow[] = [];
    if (statement.kind === "sql" && statement.sql.startsWith("select")) {
      plans.push(JSON.stringify(yield { ...statement, sql: `explain query plan ${statement.sql}` }));
      rows = yield statement;
      most = Math.max(most, rows.length);
    } else rows = yield statement;
    step = transaction.next(rows);
  }
  return { plans, most };
}

describe("an upgrade from schema 6", () => {
  it("has few old jobs in memory at once, and sorts none", async () => {
    await using t = await oldStore();
    for (let n = 0; n < 50; n++) await t.job("queued");
    const asset = await t.asset("out.png", null);
    const output = { ...sampleOutput(newJobId(), sampleAsset(t.tenantId)), assetId: asset };
    for (let n = 0; n < 50; n++) await t.job("succeeded", { outputs: [output] });
    await t.upgrade();
    const { plans, most } = await t.driver.write(() => looks(linkAgain()));
    expect(plans.length).toBeGreaterThan(4);
    for (const plan of plans) expect(plan).not.toMatch(/USE TEMP B-TREE FOR ORDER BY|SCAN j/);
    expect(most).toBeLessThanOrEqual(20);
  });

  it("reads old rows with defaults, and goes on writing", async () => {
    await using t = await oldStore();
    const assetId = await t.asset("a.png", "b3");
    const jobId = await t.job("queued");
    const store = await t.upgrade();
    expect(await store.schemaVersion()).toBe(MIGRATIONS.length);
    expect(await store.getJob(jobId)).toMatchObject({ metadata: {}, usesAssets: false, traceparent: null });
    expect(await store.getAsset(t.tenantId, assetId)).toMatchObject({
      fileName: "a.png",
      filePath: "a.png",
      jobId: null,
      expiresAt: null,
    });
    expect(await store.hasBlake3(t.tenantId, "b3")).toBe(true);
    expect(await store.findByPaths(t.tenantId, ["a.png"])).toEqual(new Map([["a.png", assetId]]));
    const again = sampleAsset(t.tenantId, { filePath: "a.png", sha256: sha256("a.png") });
    expect(await store.createAsset(again)).toMatchObject({ created: false, asset: { id: assetId } });
    const labeled = sampleJob(t.tenantId, { metadata: { a: "1" } });
    expect(await store.submitJob(labeled)).toMatchObject({ status: "created" });
  });

  it("holds what old unfinished jobs use, of their tenant alone, until they end", async () => {
    await using t = await oldStore();
    const used = await t.asset("used.png", "1");
    const done = await t.asset("done.png", "2");
    const foreign = await t.asset("foreign.png", "3", t.otherTenant);
    const jobs: Awaited<ReturnType<typeof t.job>>[] = [];
    // More than a page of the migration.
    for (let n = 0; n < 600; n++) jobs.push(await t.job("queued", n === 599 ? { uses: [used, foreign] } : {}));
    await t.job("succeeded", { uses: [done] });
    const store = await t.upgrade();
    expect(await store.deleteAsset(t.tenantId, used)).toBe("in_use");
    expect(await store.deleteAsset(t.tenantId, done)).toBe("deleted");
    expect(await store.deleteAsset(t.otherTenant, foreign)).toBe("deleted");
    const last = jobs.at(-1);
    if (last === undefined) throw new Error("no job");
    await store.cancelJob({ tenantId: t.tenantId, jobId: last });
    expect(await store.deleteAsset(t.tenantId, used)).toBe("deleted");
  });

  it("keeps old outputs for ever, but in use as long as their job is kept", async () => {
    await using t = await oldStore();
    const assetId = await t.asset("out.png", null);
    const output = { ...sampleOutput(newJobId(), sampleAsset(t.tenantId)), assetId };
    await t.job("succeeded", { outputs: [output] });
    t.time.nowMs += 1_000;
    const second = await t.job("succeeded", { outputs: [output] });
    const store = await t.upgrade();
    expect(await store.getAsset(t.tenantId, assetId)).toMatchObject({ jobId: second, expiresAt: null });
    t.time.nowMs += MONTH_MS - 1;
    expect(await store.removeExpired(10)).toMatchObject({ jobs: 1, assets: 0 });
    expect(await store.deleteAsset(t.tenantId, assetId)).toBe("in_use");
    t.time.nowMs += 1;
    expect(await store.removeExpired(10)).toMatchObject({ jobs: 1, assets: 0 });
    expect(await store.getAsset(t.tenantId, assetId)).toMatchObject({ jobId: null, expiresAt: null });
    expect(await store.deleteAsset(t.tenantId, assetId)).toBe("deleted");
  });
});
