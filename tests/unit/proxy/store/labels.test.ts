import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import type { JobsPage } from "../../../../proxy/store/job-store.ts";
import { memoryStore } from "./memory-store.ts";
import { newTenantId, sampleError } from "./samples.ts";

describe("labels of jobs", () => {
  it("come back as they were submitted, and none is an empty record", async () => {
    await using t = await memoryStore();
    const metadata = { project: "spring", "order.id": "ä 42", empty: "" };
    const { id } = await t.submit({ metadata });
    expect((await t.job(id)).metadata).toEqual(metadata);
    expect((await t.job((await t.submit()).id)).metadata).toEqual({});
  });

  it("listJobs() finds the tenant's jobs that have all of the labels, newest first, page by page", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const find = async (page: Omit<JobsPage, "limit">) =>
      (await t.store.listJobs(t.tenantId, { limit: 100, ...page })).items.map((job) => job.id);
    const red: JobId[] = [];
    for (let n = 0; n < 6; n++) {
      t.time.nowMs += n % 2;
      red.unshift((await t.submit({ metadata: { color: "red", n: String(n % 2) } })).id);
      await t.submit({ metadata: { color: "blue", n: String(n % 2) } });
      await t.submit({ metadata: { n: "red" } });
      await t.submit({ tenantId: other, metadata: { color: "red" } });
    }
    // Ids of one millisecond are told apart by themselves.
    expect(new Set(await find({ metadata: { color: "red" } }))).toEqual(new Set(red));
    expect(await find({ metadata: { color: "red", n: "1" } })).toHaveLength(3);
    expect(await find({ metadata: { n: "1", color: "red" } })).toHaveLength(3);
    expect(await find({ metadata: { color: "red", n: "1", x: "y" } })).toEqual([]);
    expect(await find({ metadata: { color: "Red" } })).toEqual([]);
    expect(await find({ metadata: {} })).toHaveLength(18);

    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await t.store.listJobs(t.tenantId, { limit: 2, cursor, metadata: { color: "red" } });
      expect(page.items.length).toBeLessThanOrEqual(2);
      paged.push(...page.items.map((job) => job.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(paged).toEqual(await find({ metadata: { color: "red" } }));
  });

  it("listJobs() by labels and by state takes both", async () => {
    await using t = await memoryStore();
    const { id } = await t.submit({ metadata: { a: "1" } });
    await t.submit({ metadata: { a: "1" } });
    const no = await t.start(id);
    await t.store.failJob({ jobId: id, no, error: sampleError, receipt: null });
    const failed = await t.store.listJobs(t.tenantId, { limit: 10, metadata: { a: "1" }, state: ["failed"] });
    expect(failed.items.map((job) => job.id)).toEqual([id]);
  });
});
