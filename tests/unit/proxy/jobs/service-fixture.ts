// The jobs service over a real store in memory; the pod's side is what a test makes of it.
import { SubmitJob } from "../../../../contracts/job.ts";
import type { Waiting } from "../../../../contracts/job.ts";
import type { JobId, KeyId, TenantId } from "../../../../contracts/ids.ts";
import { type Caller, TENANT_SCOPES } from "../../../../contracts/tenant.ts";
import { createMemoryBlobs } from "../../../support/memory-blobs.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { createLastProgress, type LastProgress } from "../../../../proxy/jobs/last-progress.ts";
import { createObjectInfoCache } from "../../../../proxy/jobs/object-info-cache.ts";
import type { Jobs } from "../../../../proxy/jobs/port.ts";
import { createJobs, type JobsOptions } from "../../../../proxy/jobs/service.ts";
import { createSignals, type Signals } from "../../../../proxy/signals.ts";
import { memoryStore, type TestStore } from "../store/memory-store.ts";
import { canvasGraph } from "./graph-fixtures.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { silentLogger } from "./silent-logger.ts";
import { testBox } from "../secrets/test-box.ts";

export interface JobsFixture extends AsyncDisposable {
  jobs: Jobs;
  caller: Caller;
  /** Of another tenant. */
  stranger: Caller;
  testStore: TestStore;
  clock: ManualClock;
  signals: Signals;
  /** Hints given so far. */
  hints: (JobId | "queue")[];
  waiting: Map<JobId, Waiting>;
  lastProgress: LastProgress;
}

const KEY_ID: KeyId = "key_00000000000000000000000001";

function callerOf(tenantId: TenantId): Caller {
  return { keyId: KEY_ID, tenantId, scopes: TENANT_SCOPES };
}

export function request(workflow: Workflow = canvasGraph(), options: Record<string, unknown> = {}): SubmitJob {
  return SubmitJob.parse({ spec: { kind: "workflow", workflow }, options });
}

/** @param bodies `/object_info` bodies, each of one pod */
export async function jobsFixture(
  { bodies = [], ...options }: Partial<JobsOptions> & { bodies?: string[] } = {},
): Promise<JobsFixture> {
  const testStore = await memoryStore();
  const { store } = testStore;
  for (const [index, body] of bodies.entries()) {
    await store.putObjectInfo({ sha256: `body-${index}`, body });
    await testStore.addPod(`body-${index}`);
  }
  const other = await store.createTenant({ id: "tenant_00000000000000000000000002", name: "others" });
  const clock = createManualClock(testStore.time.nowMs);
  const signals = createSignals();
  const hints: JobsFixture["hints"] = [];
  signals.on("queue", () => hints.push("queue"));
  signals.on("job", ({ id }) => hints.push(id));
  const waiting = new Map<JobId, Waiting>();
  const lastProgress = createLastProgress();
  const jobs = createJobs({
    openAfterMs: 0,
    store,
    agents: {
      async *watchAttempt() {
        throw new Error("no pod in this test");
      },
    },
    settlement: { recall: () => Promise.resolve() },
    planner: { waitingFor: ({ id }) => waiting.get(id) ?? null },
    claims: { claim: () => Promise.resolve(null) },
    objectInfo: createObjectInfoCache({ store, logger: silentLogger }),
    signals,
    clock,
    logger: silentLogger,
    lastProgress,
    blobs: createMemoryBlobs(),
    box: testBox(),
    limits: { maxWorkflowBytes: 4 * 1024 * 1024, defaultRunWithinMs: 3_600_000, maxQueued: 10_000 },
    jobRetentionMs: 30 * 86_400_000,
    ...options,
  });
  return {
    jobs,
    caller: callerOf(testStore.tenantId),
    stranger: callerOf(other.id),
    testStore,
    clock,
    signals,
    hints,
    waiting,
    lastProgress,
    [Symbol.asyncDispose]: () => store.close(),
  };
}
