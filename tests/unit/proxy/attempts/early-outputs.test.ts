// Outputs that come home while their attempt goes on.
import { describe, expect, it } from "vitest";
import { outputPath } from "../../../../contracts/agent/routes.ts";
import type { AttemptOutput, StartAttempt } from "../../../../contracts/attempt.ts";
import { createSettlement } from "../../../../proxy/attempts/settle.ts";
import { ATTEMPT_TIMINGS } from "../../../../proxy/attempts/timings.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";
import { silentLogger } from "../jobs/silent-logger.ts";

function fetches(side: PodSide): number {
  return side.transport.requests.filter((name) => name.includes("/outputs/")).length;
}

/** The agent's report that it has these while it runs; the revision rises with their number. */
function soFar(order: StartAttempt, outputs: AttemptOutput[], rev = 10 + outputs.length) {
  return reportOf(order, "running", { outputs, rev });
}

function ended(order: StartAttempt, outputs: AttemptOutput[]) {
  return { ...succeeded(order, outputs), rev: 100 };
}

const names = async (side: PodSide, id: Parameters<PodSide["job"]>[0]) =>
  (await side.job(id)).outputs.map(({ name }) => name);

describe("early outputs", () => {
  it("show with the running job, their bytes in the store, and are not fetched again at the end", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const told: string[] = [];
    side.signals.on("job", (job) => told.push(job.id));
    const first = output(side, order, { text: "pixels" });
    side.agent.report(soFar(order, [first]));
    await until(async () => (await side.job(id)).outputs.length === 1);
    const job = await side.job(id);
    expect(job).toMatchObject({ state: "running", outputs: [{ name: "out_0.png", sizeBytes: 6, type: "image" }] });
    const [home] = job.outputs;
    expect(home && (await side.store.getAsset(side.tenantId, home.assetId))?.sha256).toBe(first.sha256);
    expect(await side.blobs.touch(side.tenantId, first.sha256)).toBe(6);
    await until(() => told.includes(id));

    const second = output(side, order, { text: "more", index: 1 });
    side.agent.report(soFar(order, [first, second]));
    await until(async () => (await side.job(id)).outputs.length === 2);
    expect(fetches(side)).toBe(2);
    side.agent.outputs.clear();
    side.agent.report(ended(order, [second, first]));
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(await names(side, id)).toEqual(["out_1.png", "out_0.png"]);
    expect((await side.job(id)).outputs.at(-1)).toEqual(home);
    expect(fetches(side)).toBe(2);
  });

  it("come with a beat too, and again with every beat until they are home", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const outputs = [output(side, order, { text: "pixels" }), output(side, order, { text: "more", index: 1 })];
    side.transport.faults.push({ path: /outputs\/0/, fault: "lose_request", times: 1 });
    side.agent.attempts.set(order.attemptId, soFar(order, outputs));
    await side.advance(6_000);
    await until(async () => (await side.job(id)).outputs.length === 1);
    expect(await names(side, id)).toEqual(["out_1.png"]);
    await side.advance(6_000);
    await until(async () => (await side.job(id)).outputs.length === 2);
    expect(await names(side, id)).toEqual(["out_0.png", "out_1.png"]);
    const before = fetches(side);
    let writes = 0;
    const { addOutputs } = side.store;
    side.store.addOutputs = (input) => {
      writes += 1;
      return addOutputs(input);
    };
    await side.advance(12_000);
    expect([fetches(side), writes]).toEqual([before, 0]);
  });

  it.each([
    ["are gone", (side: PodSide) => side.agent.outputs.clear()],
    ["are others", (side: PodSide, path: string) => side.agent.outputs.set(path, new TextEncoder().encode("pixelz"))],
  ])("whose bytes %s fail nothing: the end decides", async (_, spoil) => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const first = output(side, order, { text: "pixels" });
    const second = output(side, order, { text: "more", index: 1 });
    spoil(side, outputPath(order.attemptId, 0));
    side.agent.outputs.set(outputPath(order.attemptId, 1), new TextEncoder().encode("more"));
    side.agent.report(soFar(order, [first, second]));
    await until(async () => (await side.job(id)).outputs.length === 1);
    expect(await side.job(id)).toMatchObject({ state: "running", losses: 0, outputs: [{ name: "out_1.png" }] });
    side.agent.outputs.set(outputPath(order.attemptId, 0), new TextEncoder().encode("pixels"));
    side.agent.report(ended(order, [first, second]));
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(await names(side, id)).toEqual(["out_0.png", "out_1.png"]);
    expect((await side.job(id)).losses).toBe(0);
  });

  it("leave out one that is larger than is stored, until the end fails the job for it", async () => {
    await using side = await setUpPodSide({ attempts: { maxOutputBytes: 5 } });
    const { id, order } = await running(side);
    const outputs = [output(side, order, { text: "pixels" }), output(side, order, { text: "more", index: 1 })];
    side.agent.report(soFar(order, outputs));
    await until(async () => (await side.job(id)).outputs.length === 1);
    side.agent.report(ended(order, outputs));
    await until(async () => (await side.job(id)).state === "failed");
    expect(await side.job(id)).toMatchObject({
      error: { code: "payload_too_large" },
      outputs: [{ name: "out_1.png" }],
    });
  });

  it("follow a file that is written again under its index", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.agent.report(soFar(order, [output(side, order, { text: "old" })], 11));
    await until(async () => (await side.job(id)).outputs[0]?.sizeBytes === 3);
    side.agent.report(soFar(order, [output(side, order, { text: "newer" })], 12));
    await until(async () => (await side.job(id)).outputs[0]?.sizeBytes === 5);
    expect((await side.job(id)).outputs.length).toBe(1);
  });

  it("go with a lost attempt; what it says later is not fetched, and the next begins with none", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const first = output(side, order, { text: "pixels" });
    side.agent.report(soFar(order, [first]));
    await until(async () => (await side.job(id)).outputs.length === 1);
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 1, podId: side.podId }, "pod_lost");
    expect(await side.job(id)).toMatchObject({ state: "queued", outputs: [] });
    side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
    await side.dispatch(id);
    side.agent.report(soFar(order, [first, output(side, order, { text: "more", index: 1 })]));
    await side.advance(1_000);
    expect(await side.job(id)).toMatchObject({ state: "running", attempt: 2, outputs: [] });
    expect(fetches(side)).toBe(1);
  });

  it("are on their way no longer once their attempt is lost", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const signals: AbortSignal[] = [];
    const { put } = side.blobs;
    side.blobs.put = (tenantId, body, options) => {
      signals.push(options.signal);
      return put(tenantId, body, options);
    };
    side.transport.faults.push({ path: /outputs\/0/, fault: "hang", times: 1 });
    side.agent.report(soFar(order, [output(side, order, { text: "pixels" })]));
    await until(() => fetches(side) === 1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await side.settlement.lost({ id: order.attemptId, jobId: id, no: 1, podId: side.podId }, "pod_lost");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it("stay with a job that fails, and a report that comes after the end changes nothing", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const first = output(side, order, { text: "pixels" });
    side.agent.report(soFar(order, [first]));
    await until(async () => (await side.job(id)).outputs.length === 1);
    const error = { code: "execution_failed" as const, message: "It broke" };
    side.agent.report({ ...reportOf(order, "failed", { error }), rev: 50 });
    await until(async () => (await side.job(id)).state === "failed");
    const late = soFar(order, [first, output(side, order, { text: "more", index: 1 })], 60);
    await side.settlement.settle(side.podId, late);
    await side.advance(500);
    expect(await names(side, id)).toEqual(["out_0.png"]);
    expect(fetches(side)).toBe(1);
  });

  it("give way to the end while one of them hangs on its way", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const first = output(side, order, { text: "pixels" });
    side.transport.faults.push({ path: /outputs\/0/, fault: "hang", times: 1 });
    side.agent.report(soFar(order, [first]));
    await until(() => fetches(side) === 1);
    side.agent.report(ended(order, [first]));
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(await names(side, id)).toEqual(["out_0.png"]);
    expect(side.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("are known to the next edge, which goes on with those that come after", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const first = output(side, order, { text: "pixels" });
    side.agent.report(soFar(order, [first]));
    await until(async () => (await side.job(id)).outputs.length === 1);
    const { store, agents, partnerKeys, signals, clock, blobs, lastProgress } = side;
    const shared = { store, agents, partnerKeys, signals, clock, blobs, lastProgress, timings: ATTEMPT_TIMINGS };
    const stop = new AbortController();
    const next = createSettlement({ ...shared, logger: silentLogger, signal: stop.signal });
    await next.settle(side.podId, soFar(order, [first, output(side, order, { text: "more", index: 1 })]));
    await until(async () => (await side.job(id)).outputs.length === 2);
    expect(fetches(side)).toBe(2);
    await next.settle(side.podId, ended(order, [first]));
    expect(await names(side, id)).toEqual(["out_0.png"]);
    stop.abort();
  });

  it("cost nothing where a pod reports none before its end", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.store.addOutputs = () => Promise.reject(new Error("not asked for"));
    side.agent.report({ ...reportOf(order, "running"), rev: 2 });
    side.agent.report({ ...reportOf(order, "collecting"), rev: 3 });
    side.agent.report(ended(order, [output(side, order, { text: "pixels" })]));
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(fetches(side)).toBe(1);
    expect(side.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("are fetched anew where the sweep has taken their bytes before they had a row", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const { addOutputs } = side.store;
    side.store.addOutputs = () => Promise.reject(new Error("disk full"));
    const outputs = [output(side, order, { text: "pixels" }), output(side, order, { text: "more", index: 1 })];
    side.agent.report(soFar(order, outputs));
    await until(() => side.lines.filter(({ message }) => message === "outputs not brought home early").length === 1);
    await side.advance(6_000);
    await until(() => fetches(side) === 2);
    side.blobs.blobs.delete(`${side.tenantId} ${outputs[0]?.sha256}`);
    side.clock.skip(3_600_000);
    side.store.addOutputs = addOutputs;
    await side.advance(20_000);
    await until(async () => (await side.job(id)).outputs.length === 2);
    expect(await names(side, id)).toEqual(["out_0.png", "out_1.png"]);
    expect(await side.blobs.touch(side.tenantId, outputs[0]?.sha256 ?? "")).toBe(6);
    expect(fetches(side)).toBe(3);
  });

  it("are brought once the store can be written again", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const { addOutputs } = side.store;
    side.store.addOutputs = () => Promise.reject(new Error("disk full"));
    side.agent.report(soFar(order, [output(side, order, { text: "pixels" })]));
    await until(() => side.lines.some(({ message }) => message === "outputs not brought home early"));
    side.store.addOutputs = addOutputs;
    await side.advance(6_000);
    await until(async () => (await side.job(id)).outputs.length === 1);
    expect(fetches(side)).toBe(1);
  });
});
