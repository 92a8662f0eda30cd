import { describe, expect, it } from "vitest";
import { createLanding, type Heard } from "../../../../proxy/attempts/landing.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { jobId, podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";

const JOB = jobId(1);

function heard(state: Heard["report"]["state"], pod = 1): Heard {
  return { key: `attempt ${pod}`, podId: podId(pod), report: { jobId: JOB, state } };
}

describe("createLanding()", () => {
  it("knows from where a result comes until it is settled, and nothing of other reports", () => {
    const landing = createLanding(createManualClock());
    landing.heard(heard("running"));
    expect(landing.from(JOB)).toBeNull();
    landing.heard(heard("succeeded"));
    expect([landing.from(JOB), landing.from(jobId(2))]).toEqual([podId(1), null]);
    landing.settled(heard("succeeded", 2));
    expect(landing.from(JOB)).toBe(podId(1));
    landing.settled(heard("succeeded"));
    expect(landing.from(JOB)).toBeNull();
  });

  it.each(["failed", "canceled", "lost"] as const)("lets go when the attempt ends otherwise: %s", (state) => {
    const landing = createLanding(createManualClock());
    landing.heard(heard("collecting"));
    landing.settled(heard("collecting"));
    expect(landing.from(JOB)).toBe(podId(1));
    landing.heard(heard(state));
    expect(landing.from(JOB)).toBeNull();
  });

  it("keeps the job for no longer than a result may take, however often the agent says that it comes", async () => {
    const clock = createManualClock();
    const landing = createLanding(clock);
    landing.heard(heard("collecting"));
    await clock.advance(29_999);
    landing.heard(heard("collecting"));
    expect(landing.from(JOB)).toBe(podId(1));
    await clock.advance(1);
    expect(landing.from(JOB)).toBeNull();
    landing.heard(heard("succeeded"));
    await clock.advance(599_999);
    expect(landing.from(JOB)).toBe(podId(1));
    await clock.advance(1);
    expect(landing.from(JOB)).toBeNull();
  });

  it("stays with the first of two pods that bring the result, while that one may still be in time", async () => {
    const clock = createManualClock();
    const landing = createLanding(clock);
    landing.heard(heard("collecting", 1));
    landing.heard(heard("succeeded", 2));
    expect(landing.from(JOB)).toBe(podId(1));
    await clock.advance(30_000);
    landing.heard(heard("succeeded", 2));
    expect(landing.from(JOB)).toBe(podId(2));
  });
});

describe("landingFrom()", () => {
  async function givenUp(options: Parameters<typeof setUpPodSide>[0] = {}) {
    const side = await setUpPodSide(options);
    const { id, order } = await running(side);
    const report = succeeded(order, [output(side, order, { text: "pixels" })]);
    await side.settlement.lost({ ...order, id: order.attemptId, podId: side.podId }, "pod_lost");
    expect((await side.job(id)).state).toBe("queued");
    return { side, id, order, report };
  }

  it("names the pod while the result of a job that was given up for lost comes home", async () => {
    const { side, id, report } = await givenUp();
    await using _ = side;
    const { put } = side.blobs;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    side.blobs.put = async (...args) => {
      await held;
      return await put(...args);
    };
    expect(side.settlement.landingFrom(id)).toBeNull();
    const settled = side.settlement.settle(side.podId, report);
    // At once: the planner may look before anything else is known.
    expect(side.settlement.landingFrom(id)).toBe(side.podId);
    await side.advance(5_000);
    expect(side.settlement.landingFrom(id)).toBe(side.podId);
    letGo();
    await settled;
    expect([side.settlement.landingFrom(id), (await side.job(id)).state]).toEqual([null, "succeeded"]);
  });

  it("names it no more when the outputs cannot be fetched, and again when they are tried again", async () => {
    const { side, id, report } = await givenUp({ attempts: { collectTries: 1 } });
    await using _ = side;
    side.transport.faults.push({ path: /outputs/, fault: "refuse", times: 1 });
    await side.settlement.settle(side.podId, report);
    expect([side.settlement.landingFrom(id), (await side.job(id)).state]).toEqual([null, "queued"]);
    const settled = side.settlement.settle(side.podId, report);
    expect(side.settlement.landingFrom(id)).toBe(side.podId);
    await settled;
    await until(async () => (await side.job(id)).state === "succeeded");
  });

  it("lets no pod hold a job by an attempt that is another job's, or nobody's", async () => {
    const { side, order } = await givenUp();
    await using _ = side;
    const other = await side.submit();
    for (const attemptId of [order.attemptId, "att_unknown" as typeof order.attemptId]) {
      for (const state of ["collecting", "succeeded"] as const) {
        await side.settlement.settle(side.podId, reportOf({ ...order, attemptId, jobId: other.id }, state));
        expect(side.settlement.landingFrom(other.id)).toBeNull();
      }
    }
    expect((await side.job(other.id)).state).toBe("queued");
  });
});
