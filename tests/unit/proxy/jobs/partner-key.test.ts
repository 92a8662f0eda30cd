import { describe, expect, it } from "vitest";
import { sampleError } from "../store/samples.ts";
import { testBox } from "../secrets/test-box.ts";
import { jobsFixture, request } from "./service-fixture.ts";

const KEY = "comfyui-0123456789abcdef";
const box = testBox();

describe("submitV2() with a partner key", () => {
  it("stores it sealed for the job, and shows it nowhere", async () => {
    await using fixture = await jobsFixture({ box });
    const { jobs, caller, testStore: { store } } = fixture;
    const { job } = await jobs.submitV2(caller, request(), { partnerKey: KEY });
    const sealed = await store.getSealedKey(job.id);
    expect(box.open(sealed ?? "", job.id)).toBe(KEY);
    expect(box.open(sealed ?? "", "job_of_another")).toBeNull();
    const row = await store.getJob(job.id);
    expect(row?.hasPartnerKey).toBe(true);
    const shown = [
      job,
      row,
      sealed,
      await store.getSpec(job.id),
      await jobs.workflowOf(caller, job.id),
      await jobs.list(caller, { limit: 10 }),
      await store.listEvents(job.id, 0),
    ];
    expect(JSON.stringify(shown)).not.toContain(KEY);
  });

  it("counts the first key of a request that is repeated with another", async () => {
    await using fixture = await jobsFixture({ box });
    const { jobs, caller, testStore: { store } } = fixture;
    const idempotency = { space: "v2", key: "k", replay: true } as const;
    const first = await jobs.submitV2(caller, request(), { partnerKey: KEY, idempotency });
    const again = await jobs.submitV2(caller, request(), { partnerKey: "another-partner-key", idempotency });
    expect(again).toMatchObject({ replayed: true, job: { id: first.job.id } });
    expect(box.open(await store.getSealedKey(first.job.id) ?? "", first.job.id)).toBe(KEY);
  });

  it("is not taken along by a retry, and by no other submit", async () => {
    await using fixture = await jobsFixture({ box });
    const { jobs, caller, testStore } = fixture;
    const { job } = await jobs.submitV2(caller, request(), { partnerKey: KEY });
    const no = await testStore.start(job.id);
    await testStore.store.failJob({ jobId: job.id, no, error: sampleError, receipt: null });
    for (const { id } of [await jobs.retry(caller, { jobId: job.id }), await jobs.submit(caller, request())]) {
      expect((await testStore.store.getJob(id))?.hasPartnerKey).toBe(false);
      expect(await testStore.store.getSealedKey(id)).toBeNull();
    }
  });
});
