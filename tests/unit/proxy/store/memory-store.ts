/** A store in memory on a clock that the test sets, with one tenant and the steps that tests repeat. */
import type { JobId, PodId, TenantId } from "../../../../contracts/ids.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import type { NewJob } from "../../../../proxy/store/new-job.ts";
import type { Store } from "../../../../proxy/store/port.ts";
import { openSqliteDriver } from "../../../../proxy/store/sqlite/open.ts";
import type { StoreDriver } from "../../../../proxy/store/transaction.ts";
import {
  newAttemptId,
  newBootId,
  newEdgeId,
  newPodId,
  newTenantId,
  sampleJob,
  sampleObservation,
  sha256,
} from "./samples.ts";

export interface TestStore extends AsyncDisposable {
  store: Store;
  driver: StoreDriver;
  tenantId: TenantId;
  time: { nowMs: number };
  submit(change?: Partial<NewJob>): Promise<JobRow>;
  /** Assigns a queued job to a new pod; the number of the attempt. */
  assign(jobId: JobId): Promise<number>;
  /** Assigned and started. */
  start(jobId: JobId): Promise<number>;
  job(jobId: JobId): Promise<JobRow>;
  /** A new pod that has told of this `/object_info` body. */
  addPod(objectInfoSha256: string | null): Promise<PodId>;
}

export async function memoryStore(): Promise<TestStore> {
  const time = { nowMs: 1_000_000 };
  const driver = await openSqliteDriver({ path: ":memory:", now: () => time.nowMs });
  const store = createStore(driver);
  const { id: tenantId } = await store.createTenant({ id: newTenantId(), name: "tests" });
  const job = async (jobId: JobId) => {
    const row = await store.getJob(jobId);
    if (row === null) throw new Error(`no job ${jobId}`);
    return row;
  };
  const assign = async (jobId: JobId) => {
    const { ver } = await job(jobId);
    const input = { jobId, ver, attemptId: newAttemptId(), podId: newPodId(), bootId: newBootId() };
    const assigned = await store.assignJob({ ...input, graphSha256: sha256("graph") });
    if (assigned.status !== "done") throw new Error(`job ${jobId} was not assigned`);
    return assigned.no;
  };
  return {
    store,
    driver,
    tenantId,
    time,
    job,
    assign,
    async addPod(objectInfoSha256) {
      const id = newPodId();
      await store.registerPod({ id, name: id, transportKey: id });
      const taken = await store.takePod({ podId: id, edgeId: newEdgeId(), leaseMs: 60_000 });
      await store.recordBeat({
        podId: id,
        epoch: taken?.epoch ?? 0,
        leaseMs: 60_000,
        observed: sampleObservation(objectInfoSha256),
      });
      return id;
    },
    async submit(change) {
      const outcome = await store.submitJob(sampleJob(tenantId, change));
      if (outcome.status !== "created") throw new Error("the job was not created");
      return outcome.job;
    },
    async start(jobId) {
      const no = await assign(jobId);
      await store.startJob({ jobId, no });
      return no;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
