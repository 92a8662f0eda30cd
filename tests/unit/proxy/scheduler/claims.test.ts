import { describe, expect, it } from "vitest";
import type { DispatchEnd, PreparedAttempt } from "../../../../proxy/jobs/port.ts";
import { createClaims } from "../../../../proxy/scheduler/claims.ts";
import type { JobRow } from "../../../../proxy/store/job-store.ts";
import { attemptId, bootId, podId, tenantId } from "../jobs/ids.ts";
import { jobRow } from "../jobs/job-row.ts";
import { sampleJob, sha256 } from "../store/samples.ts";
import { livePod } from "./planner-fixture.ts";

const assignment = { attemptId: attemptId(1), podId: podId(1), bootId: bootId(1), graphSha256: sha256("graph") };
const job = sampleJob(tenantId(1));

function setUp({ isFree = true, isReady = true } = {}) {
  const done = Promise.withResolvers<DispatchEnd>();
  const settled: (DispatchEnd | null)[] = [];
  const calls: string[] = [];
  const prepared: PreparedAttempt = {
    assignment,
    start(row: JobRow) {
      calls.push(`start ${row.state}`);
      return done.promise;
    },
    drop: () => calls.push("drop"),
  };
  const claims = createClaims({
    planner: { claim: () => isFree ? { pod: livePod(1), settle: (end) => settled.push(end) } : null },
    dispatcher: {
      prepare(_, pod) {
        calls.push(`prepare ${pod.id}`);
        return Promise.resolve(isReady ? prepared : null);
      },
    },
  });
  return { claims, done, settled, calls };
}

describe("createClaims()", () => {
  it("prepares nothing without a slot", async () => {
    const { claims, calls } = setUp({ isFree: false });
    expect(await claims.claim(job)).toBeNull();
    expect(calls).toEqual([]);
  });

  it("lets the slot go when the attempt cannot be prepared", async () => {
    const { claims, settled } = setUp({ isReady: false });
    expect(await claims.claim(job)).toBeNull();
    expect(settled).toEqual([null]);
  });

  it("starts what was assigned, and keeps the slot until the pod has answered", async () => {
    const { claims, done, settled, calls } = setUp();
    const claim = await claims.claim(job);
    expect(claim?.assignment).toEqual(assignment);
    expect(settled).toEqual([]);
    claim?.settle(jobRow({ state: "assigned" }));
    expect(calls).toEqual([`prepare ${podId(1)}`, "start assigned"]);
    await Promise.resolve();
    expect(settled).toEqual([]);
    done.resolve("given_back");
    await done.promise;
    expect(settled).toEqual(["given_back"]);
  });

  it("lets the slot go when the start breaks its word", async () => {
    const { claims, done, settled } = setUp();
    (await claims.claim(job))?.settle(jobRow({ state: "assigned" }));
    done.reject(new Error("bug"));
    await done.promise.catch(() => undefined);
    expect(settled).toEqual(["unmoved"]);
  });

  it.each([["not stored", null], ["queued after all", jobRow({ state: "queued" })]])(
    "lets slot and place go for a job that is %s",
    async (_, stored) => {
      const { claims, settled, calls } = setUp();
      (await claims.claim(job))?.settle(stored);
      expect(calls).toEqual([`prepare ${podId(1)}`, "drop"]);
      expect(settled).toEqual([null]);
    },
  );
});
