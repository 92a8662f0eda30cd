import { describe, expect, it } from "vitest";
import type { AttemptId, JobId } from "../../../../contracts/ids.ts";
import { sendBeat } from "../../../../proxy/pods/beat.ts";
import { strangeAttemptId } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "./pod-side.ts";

/** From now on the store answers late: what `meanwhile` does comes between the question and the answer. */
function slowStore(side: PodSide, meanwhile: () => Promise<void>): void {
  const { listLiveAttempts } = side.store;
  let asked = false;
  side.store.listLiveAttempts = async (podId) => {
    if (!asked) {
      asked = true;
      await meanwhile();
    }
    return await listLiveAttempts(podId);
  };
}

/** Assigns the job as a dispatch does: the offer first. */
async function assign(side: PodSide, jobId: JobId): Promise<AttemptId> {
  const attemptId = strangeAttemptId();
  const { podId } = side;
  side.offers.begin({ podId, attemptId, jobId, after: null });
  const { ver } = await side.job(jobId);
  const { bootId } = side.agent;
  await side.store.assignJob({ jobId, ver, attemptId, podId, bootId, graphSha256: "0".repeat(64) });
  return attemptId;
}

describe("sendBeat()", () => {
  it("counts an attempt as under way that is assigned while the store is read", async () => {
    await using side = await setUpPodSide();
    const { store, agents, offers, clock, podId, edgeId } = side;
    const { id } = await side.submit();
    let assigned: AttemptId | null = null;
    slowStore(side, async () => {
      assigned = await assign(side, id);
    });
    const order = { podId, edgeId, epoch: 1, leaseMs: 1_000, unwanted: [] };
    const { held } = await sendBeat(
      { store, agents, offers, clock, timeoutMs: 5_000 },
      order,
      new AbortController().signal,
    );
    expect(held.live.map((row) => row.id)).toEqual([assigned]);
    expect([...held.underWay]).toEqual([assigned]);
  });
});

describe("a pod that is given up", () => {
  it("does not take an attempt with it that is assigned while the store is read", async () => {
    await using side = await setUpPodSide();
    await side.start();
    const { id } = await side.submit();
    side.transport.faults.push({ path: /./, fault: "lose_request", times: 1_000_000 });
    side.transport.cutAll();
    await side.advance(45_000);
    const done = Promise.withResolvers<void>();
    side.store.listLiveAttempts = ((list) => async (podId) => {
      // The session's own look, after the pod was marked lost; beats look too.
      if ((await side.store.getPod(side.podId))?.phase !== "lost") return await list(podId);
      if ((await side.job(id)).state === "queued") await assign(side, id);
      done.resolve();
      return await list(podId);
    })(side.store.listLiveAttempts);
    await side.advance(30_000);
    await done.promise;
    await until(async () => (await side.store.getPod(side.podId))?.phase === "lost");
    expect(await side.job(id)).toMatchObject({ state: "assigned", losses: 0 });
  });
});
