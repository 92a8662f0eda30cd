// What a new agent makes of the journal of one that was killed, and of a ComfyUI that does not answer a submit.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { comfyUnavailable } from "../../../support/fake-comfy-port.ts";
import { newOrder, ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const hang = () => new Promise<never>(() => undefined);

describe("resume()", () => {
  it("follows a running attempt on, with its progress not falling", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.say({ type: "executing", promptId, nodeId: "2" });
    await bench.clock.advance(3_000);
    bench.comfy.say({ type: "executing", promptId, nodeId: "1" });
    bench.comfy.say({ type: "executing", promptId, nodeId: "2" });
    const before = await bench.service.get(attemptId);
    bench.restart();
    const after = await bench.service.get(attemptId);
    expect(after).toMatchObject({ state: "running", startedAt: before.startedAt });
    bench.comfy.say({ type: "executing", promptId, nodeId: "1" });
    const later = await bench.service.get(attemptId);
    expect(later.progress?.value).toBeGreaterThanOrEqual(after.progress?.value ?? 1);
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("waits for the adoption of ComfyUI before it says anything", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.restart(() => bench.comfy.change({ state: "starting", generation: null }));
    await bench.clock.advance(50_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    bench.comfy.ready();
    bench.comfy.lookups.set(promptId, SUCCEEDED);
    await bench.clock.advance(1_000);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("gives a running attempt up for lost when another ComfyUI comes instead", async () => {
    const { attemptId } = await bench.accept();
    bench.restart(() => bench.comfy.change({ state: "starting", generation: null }));
    bench.comfy.ready("generation-2");
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost" });
  });

  it("gives a running attempt up for lost when no ComfyUI was adopted and none starts", async () => {
    const { attemptId } = await bench.accept();
    bench.restart(() => bench.comfy.change({ state: "starting", generation: null }));
    bench.comfy.die();
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost" });
  });

  it("looks a maybe posted attempt up, and does not post it again when ComfyUI has it", async () => {
    bench.comfy.submission = hang;
    const { attemptId, promptId, state } = await bench.accept();
    expect(state).toBe("accepted");
    bench.comfy.lookups.set(promptId, { status: "running" });
    bench.restart();
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("posts a maybe posted attempt when ComfyUI has not heard of it for two seconds", async () => {
    bench.comfy.submission = hang;
    const { attemptId } = await bench.accept();
    bench.comfy.submission = () => ({ status: "accepted" });
    bench.restart();
    await bench.clock.advance(1_900);
    expect(bench.comfy.submitted.length).toBe(1);
    await bench.clock.advance(100);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    expect(bench.comfy.submitted.length).toBe(2);
  });

  it("knows of a refusal in part, and fails with it although ComfyUI calls the rest a success", async () => {
    const error = { code: "invalid_workflow", message: "no such model" } as const;
    bench.comfy.submission = () => ({ status: "taken_in_part", error });
    const { attemptId, promptId } = await bench.accept();
    bench.restart(() => bench.comfy.lookups.set(promptId, SUCCEEDED));
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error });
  });

  it("finds out by what ComfyUI kept that it took a part, where nobody has read its answer", async () => {
    bench.comfy.submission = hang;
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.lookups.set(promptId, { status: "running" });
    bench.comfy.planned = () => new Set();
    bench.comfy.onCancel = () => bench.comfy.lookups.set(promptId, { status: "interrupted" });
    bench.restart();
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({
      state: "failed",
      error: { code: "invalid_workflow", nodeId: "2" },
    });
  });

  it("finds out by the result that ComfyUI took a part, where it does not say what it kept", async () => {
    bench.comfy.submission = hang;
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.lookups.set(promptId, SUCCEEDED);
    bench.comfy.planned = () => null;
    bench.restart();
    await bench.clock.advance(2_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error: { code: "invalid_workflow" } });
  });

  it("goes on canceling", async () => {
    const { attemptId, promptId } = await bench.accept();
    await bench.service.cancel(attemptId);
    await bench.clock.advance(0);
    bench.restart();
    const before = bench.comfy.canceled.length;
    await bench.clock.advance(1_000);
    expect(bench.comfy.canceled.length).toBeGreaterThan(before);
    bench.comfy.lookups.set(promptId, { status: "interrupted" });
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "canceled", cancelRequested: true });
  });

  it("counts the run's deadline from when ComfyUI had the prompt", async () => {
    const { attemptId } = await bench.accept({ runWithinMs: 10_000 });
    await bench.clock.advance(9_000);
    bench.restart();
    await bench.clock.advance(1_500);
    expect(bench.comfy.canceled.length).toBeGreaterThan(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
  });

  it("starts an attempt that waited behind one that ended meanwhile", async () => {
    const first = await bench.accept();
    const second = newOrder({ after: first.attemptId });
    await bench.service.start(second);
    bench.restart(() => bench.comfy.lookups.set(first.promptId, SUCCEEDED));
    await bench.clock.advance(1_000);
    expect(await bench.service.get(second.attemptId)).toMatchObject({ state: "running" });
  });

  it("keeps the slot for the attempt that was there", async () => {
    const { attemptId } = await bench.accept();
    bench.restart();
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId }]);
    await expect(bench.service.start(newOrder())).rejects.toMatchObject({ code: "slot_busy" });
  });
});

describe("a submit without an answer", () => {
  it("is looked up, and is running when ComfyUI has it", async () => {
    bench.comfy.submission = () => {
      bench.comfy.lookups.set(bench.comfy.submitted.at(-1)?.promptId ?? "", { status: "running" });
      return Promise.reject(comfyUnavailable());
    };
    const { state } = await bench.accept();
    expect([state, bench.comfy.submitted.length]).toEqual(["running", 1]);
  });

  it("is posted again only after ComfyUI says that it does not know it", async () => {
    let tries = 0;
    bench.comfy.submission = () => (++tries === 1 ? Promise.reject(comfyUnavailable()) : { status: "accepted" });
    bench.comfy.reachable = false;
    const { attemptId } = await bench.accept();
    await bench.clock.advance(5_000);
    expect(bench.comfy.submitted.length).toBe(1);
    bench.comfy.reachable = true;
    await bench.clock.advance(3_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    expect(bench.comfy.submitted.length).toBe(2);
  });

  it("is not posted again while ComfyUI may still be checking it", async () => {
    bench.comfy.submission = () => Promise.reject(comfyUnavailable());
    const { attemptId, promptId } = await bench.accept();
    await bench.clock.advance(1_500);
    bench.comfy.lookups.set(promptId, { status: "pending" });
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it("ends ComfyUI after two minutes, and is lost once that is gone", async () => {
    bench.comfy.submission = () => Promise.reject(comfyUnavailable());
    bench.comfy.reachable = false;
    const { attemptId } = await bench.accept();
    await bench.clock.advance(125_000);
    expect(bench.comfy.restarts).toEqual(["Unresponsive"]);
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId }]);
    bench.comfy.die();
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost" });
  });

  it("is lost after two minutes where ComfyUI is not ours to end, which is told to drop it", async () => {
    bench.comfy.ownsProcess = false;
    bench.comfy.submission = () => Promise.reject(comfyUnavailable());
    bench.comfy.reachable = false;
    const { attemptId, promptId } = await bench.accept();
    await bench.clock.advance(121_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost", error: { code: "comfy_unavailable" } });
    expect(bench.comfy.status.evicting).toEqual([promptId]);
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId: null }]);
  });
});
