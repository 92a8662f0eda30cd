import { describe, expect, it } from "vitest";
import { outputPath } from "../../../../contracts/agent/routes.ts";
import { Receipt } from "../../../../contracts/receipt.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";

function fetches(side: PodSide): number {
  return side.transport.requests.filter((name) => name.includes("/outputs/")).length;
}

describe("settle() of a success", () => {
  it("stores every byte, then the result with its receipt, then lets the agent forget", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const told: string[] = [];
    side.signals.on("job", (job) => told.push(job.id));
    const outputs = [output(side, order, { text: "pixels" }), output(side, order, { text: "more", index: 1 })];
    side.agent.report(succeeded(order, outputs));
    await until(async () => (await side.job(id)).state === "succeeded");
    const job = await side.job(id);
    expect(job.outputs.map(({ name, sizeBytes, type }) => [name, sizeBytes, type])).toEqual([
      ["out_0.png", 6, "image"],
      ["out_1.png", 4, "image"],
    ]);
    for (const { assetId, sha256 } of job.outputs) {
      expect((await side.store.getAsset(side.tenantId, assetId))?.sha256).toBe(sha256);
      expect(await side.blobs.touch(side.tenantId, sha256)).not.toBeNull();
    }
    expect(Receipt.parse(job.receipt)).toMatchObject({ pod: { name: "gpu-1" }, comfyVersion: "0.33.0", attempts: 1 });
    expect(told).toEqual([id]);
    await until(() => side.agent.released.includes(order.attemptId));
    expect(side.lines.filter(({ level, message }) => level === "info" && message === "attempt ended").length).toBe(1);
  });

  it("acts once on reports that come twice, together and late", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const report = succeeded(order, [output(side, order, { text: "pixels" })]);
    await Promise.all([1, 2, 3].map(() => side.settlement.settle(side.podId, report)));
    await side.settlement.settle(side.podId, report);
    await side.settlement.settle(side.podId, reportOf(order, "running"));
    expect(fetches(side)).toBe(1);
    expect((await side.job(id)).state).toBe("succeeded");
    expect((await side.store.listEvents(id, 0)).map(({ state }) => state)).toEqual(["queued", "running", "succeeded"]);
  });

  it("works through a later report that comes while an earlier one is worked on", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await Promise.all([
      side.settlement.settle(side.podId, reportOf(order, "running")),
      side.settlement.settle(side.podId, succeeded(order, [])),
    ]);
    expect((await side.job(id)).state).toBe("succeeded");
  });

  it("keeps equal files as one asset and fetches equal bytes once", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const outputs = [
      output(side, order, { text: "same", name: "a.png" }),
      output(side, order, { text: "same", index: 1, name: "a.png" }),
      output(side, order, { text: "same", index: 2, name: "b.png" }),
    ];
    await side.settlement.settle(side.podId, succeeded(order, outputs));
    const ids = (await side.job(id)).outputs.map(({ assetId }) => assetId);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(fetches(side)).toBe(1);
  });

  it("goes on where a cut transfer stopped", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.transport.faults.push({ path: /outputs/, fault: "cut_body", times: 2 });
    const done = side.settlement.settle(side.podId, succeeded(order, [output(side, order, { text: "0123456789" })]));
    for (let step = 0; step < 8; step += 1) await side.advance(250);
    await done;
    expect((await side.job(id)).state).toBe("succeeded");
    expect(fetches(side)).toBe(3);
  });

  it("is brought again by the next beat when the outputs could not be fetched", async () => {
    await using side = await setUpPodSide({ attempts: { collectTries: 2 } });
    const { id, order } = await running(side);
    side.transport.faults.push({ path: /outputs\/1/, fault: "lose_request", times: 2 });
    const outputs = [output(side, order, { text: "first" }), output(side, order, { text: "second", index: 1 })];
    side.agent.report(succeeded(order, outputs));
    await side.advance(1_000);
    await until(() => side.lines.some(({ message }) => message === "outputs not collected"));
    expect((await side.job(id)).state).toBe("running");
    expect(side.agent.released).toEqual([]);
    await side.advance(6_000);
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(side.transport.requests.filter((name) => name.endsWith("outputs/0")).length).toBe(1);
  });

  it("is brought again after the blob store failed", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.blobs.broken = new Error("no space left on device");
    side.agent.report(succeeded(order, [output(side, order, { text: "pixels" })]));
    await until(() => side.lines.some(({ message }) => message === "settling failed"));
    side.blobs.broken = null;
    await side.advance(6_000);
    await until(async () => (await side.job(id)).state === "succeeded");
  });

  it.each([
    ["are gone", (side: PodSide) => side.agent.outputs.clear()],
    ["are others", (side: PodSide, path: string) => side.agent.outputs.set(path, new TextEncoder().encode("pixelz"))],
    [
      "are too many",
      (side: PodSide, path: string) => side.agent.outputs.set(path, new TextEncoder().encode("pixels!")),
    ],
  ])("is a loss when the bytes %s", async (_, spoil) => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const report = succeeded(order, [output(side, order, { text: "pixels" })]);
    spoil(side, outputPath(order.attemptId, 0));
    await side.settlement.settle(side.podId, report);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
    const events = await side.store.listEvents(id, 0);
    expect(events.at(-1)?.reason).toBe("output_missing");
    await until(() => side.agent.released.includes(order.attemptId));
  });

  it("fails the job when an output is larger than is stored", async () => {
    await using side = await setUpPodSide({ attempts: { maxOutputBytes: 5 } });
    const { id, order } = await running(side);
    await side.settlement.settle(side.podId, succeeded(order, [output(side, order, { text: "pixels" })]));
    expect(await side.job(id)).toMatchObject({ state: "failed", error: { code: "payload_too_large" } });
    expect(fetches(side)).toBe(0);
  });

  it("is released again at the next beat when the release did not get through", async () => {
    await using side = await setUpPodSide();
    const { order } = await running(side);
    side.transport.faults.push({ path: /release/, fault: "lose_request", times: 1 });
    side.agent.report(succeeded(order, []));
    await until(() => side.transport.requests.some((name) => name.includes("release")));
    await side.advance(6_000);
    await until(() => side.agent.released.includes(order.attemptId));
  });

  it("of a superseded attempt changes nothing and is released", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 1, podId: side.podId }, "pod_lost");
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    await side.dispatch(id);
    const second = side.lastStart();
    expect(second.no).toBe(2);
    await side.settlement.settle(side.podId, succeeded(order, [output(side, order, { text: "first" })]));
    expect(await side.job(id)).toMatchObject({ state: "succeeded", winner: 1 });
    await side.settlement.settle(side.podId, succeeded(second, [output(side, second, { text: "second" })]));
    expect((await side.job(id)).winner).toBe(1);
    expect((await side.attempt(second.attemptId)).state).toBe("superseded");
    expect(fetches(side)).toBe(1);
    await until(() => side.agent.released.includes(second.attemptId));
  });
});
