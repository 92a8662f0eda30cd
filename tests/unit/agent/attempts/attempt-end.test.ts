// How the end of a run is found, whatever of ComfyUI fails to say it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newOrder, ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const state = (attemptId: Parameters<typeof bench.service.get>[0]) =>
  bench.service.get(attemptId).then((report) => report.state);

describe("runAttempt()", () => {
  it("posts at once, with the attempt's own folder and its id's UUID", async () => {
    const { attemptId, state, startedAt } = await bench.accept();
    expect([state, startedAt]).toEqual(["running", expect.any(String)]);
    expect(bench.comfy.submitted).toMatchObject([{
      promptId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      workflow: { "2": { inputs: { filename_prefix: `${attemptId}/a/picture` } } },
    }]);
  });

  it("succeeds by the socket without waiting for a poll", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("succeeds by the poll when the socket's last message is lost", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.lookups.set(promptId, SUCCEEDED);
    await bench.clock.advance(999);
    expect(await state(attemptId)).toBe("running");
    await bench.clock.advance(1);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("looks again soon when the socket says finished and the lookup does not yet", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.say({ type: "finished", promptId });
    await bench.clock.advance(5);
    bench.comfy.lookups.set(promptId, SUCCEEDED);
    await bench.clock.advance(40);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("is never done because the socket says so while the lookup says running", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.say({ type: "finished", promptId });
    await bench.clock.advance(30_000);
    expect(await state(attemptId)).toBe("running");
  });

  it("fails with ComfyUI's error, and restarts it after a GPU fault", async () => {
    const { attemptId, promptId } = await bench.accept();
    const error = { code: "gpu_fault", message: "CUDA error", nodeId: "1" } as const;
    bench.comfy.finish(promptId, { status: "failed", error });
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error, outputs: [] });
    expect(bench.comfy.restarts).toEqual(["GpuFault"]);
  });

  it("fails when somebody else interrupts it", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, { status: "interrupted" });
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error: { code: "canceled" } });
  });

  it("fails when ComfyUI refuses the graph", async () => {
    bench.comfy.submission = () => ({ status: "refused", error: { code: "invalid_workflow", message: "no" } });
    const { state, error } = await bench.accept();
    expect([state, error]).toMatchObject(["failed", { code: "invalid_workflow" }]);
  });

  it("cancels what ComfyUI runs of a graph that it refuses in part, and holds the slot until that is over", async () => {
    const error = { code: "invalid_workflow", message: "no such model" } as const;
    bench.comfy.submission = () => ({ status: "taken_in_part", error });
    const { attemptId, promptId } = await bench.accept();
    await bench.clock.advance(5_000);
    expect(bench.comfy.canceled.length).toBeGreaterThan(3);
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId }]);
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error, outputs: [] });
  });

  it("is lost when its ComfyUI dies", async () => {
    const { attemptId } = await bench.accept();
    bench.comfy.die();
    await bench.clock.advance(0);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
  });

  it("is lost when another ComfyUI answers in its place", async () => {
    const { attemptId } = await bench.accept();
    bench.comfy.ready("generation-2");
    await bench.clock.advance(0);
    expect(await state(attemptId)).toBe("lost");
  });

  it("is lost when every look of two seconds finds it forgotten, not by one", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.lookups.delete(promptId);
    await bench.clock.advance(1_000);
    bench.comfy.lookups.set(promptId, { status: "running" });
    await bench.clock.advance(1_000);
    bench.comfy.lookups.delete(promptId);
    await bench.clock.advance(1_000);
    expect(await state(attemptId)).toBe("running");
    await bench.clock.advance(2_000);
    expect(await state(attemptId)).toBe("lost");
  });

  it("goes on while ComfyUI does not answer", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.reachable = false;
    await bench.clock.advance(60_000);
    expect(await state(attemptId)).toBe("running");
    bench.comfy.reachable = true;
    bench.comfy.lookups.set(promptId, SUCCEEDED);
    await bench.clock.advance(1_000);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });
});

describe("cancel()", () => {
  it("is repeated every second until ComfyUI confirms it", async () => {
    const { attemptId, promptId } = await bench.accept();
    await bench.service.cancel(attemptId);
    await bench.clock.advance(3_500);
    expect(bench.comfy.canceled).toEqual([promptId, promptId, promptId, promptId]);
    expect(await state(attemptId)).toBe("running");
    bench.comfy.lookups.set(promptId, { status: "interrupted" });
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "canceled", error: null });
    const asked = bench.comfy.canceled.length;
    await bench.clock.advance(10_000);
    expect(bench.comfy.canceled.length).toBe(asked);
  });

  it("takes a prompt that ComfyUI has dequeued for canceled", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.onCancel = () => bench.comfy.lookups.delete(promptId);
    await bench.service.cancel(attemptId);
    await bench.clock.advance(0);
    expect(await state(attemptId)).toBe("canceled");
  });

  it("loses against a result that lands first", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.onCancel = () => bench.comfy.lookups.set(promptId, SUCCEEDED);
    await bench.service.cancel(attemptId);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("ends ComfyUI once after the grace time, and is then canceled", async () => {
    const { attemptId } = await bench.accept();
    await bench.service.cancel(attemptId);
    await bench.clock.advance(59_000);
    expect(bench.comfy.restarts).toEqual([]);
    await bench.clock.advance(5_000);
    expect(bench.comfy.restarts).toEqual(["CancelNotObeyed"]);
    bench.comfy.die();
    await bench.clock.advance(0);
    expect(await state(attemptId)).toBe("canceled");
  });

  it("of an attempt that waits ends it at once", async () => {
    const first = await bench.accept();
    const second = newOrder({ after: first.attemptId });
    await bench.service.start(second);
    expect(await bench.service.cancel(second.attemptId)).toMatchObject({ state: "canceled", cancelRequested: true });
    expect(bench.comfy.canceled).toEqual([]);
  });
});

describe("deadlines", () => {
  it("runWithinMs ends the run with `timeout`", async () => {
    const { attemptId, promptId } = await bench.accept({ runWithinMs: 5_000 });
    bench.comfy.onCancel = () => bench.comfy.lookups.set(promptId, { status: "interrupted" });
    await bench.clock.advance(4_999);
    expect(bench.comfy.canceled).toEqual([]);
    await bench.clock.advance(2);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error: { code: "timeout" } });
  });

  it("a run without a sign of work for ten minutes fails, and ComfyUI is restarted", async () => {
    const { attemptId, promptId } = await bench.accept();
    await bench.clock.advance(500_000);
    bench.comfy.say({ type: "step", promptId, nodeId: "1", step: 1, steps: 10 });
    await bench.clock.advance(599_000);
    expect(await state(attemptId)).toBe("running");
    await bench.clock.advance(1_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error: { code: "no_progress" } });
    expect(bench.comfy.restarts).toEqual(["NoProgress"]);
  });

  it("a deaf socket is opened anew at half of the silence, and the run goes on with what it then hears", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.say({ type: "executing", promptId, nodeId: "1" });
    bench.comfy.onReopen = () => bench.comfy.say({ type: "executing", promptId, nodeId: "2" });
    await bench.clock.advance(299_000);
    expect(bench.comfy.reopened).toBe(0);
    await bench.clock.advance(400_000);
    expect([await state(attemptId), bench.comfy.restarts]).toEqual(["running", []]);
    expect(bench.comfy.reopened).toBe(2);
  });

  it("the node that was running before is no sign of work when a new socket hears of it again", async () => {
    const { attemptId, promptId } = await bench.accept();
    const repeat = () => bench.comfy.say({ type: "executing", promptId, nodeId: "1" });
    repeat();
    bench.comfy.onReopen = repeat;
    await bench.clock.advance(601_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "failed", error: { code: "no_progress" } });
  });

  it("a prompt that waits in ComfyUI's queue is not silent, nor is one of which ComfyUI does not answer", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.lookups.set(promptId, { status: "pending" });
    await bench.clock.advance(1_300_000);
    expect(await state(attemptId)).toBe("running");
    bench.comfy.reachable = false;
    await bench.clock.advance(700_000);
    expect(await state(attemptId)).toBe("running");
    bench.comfy.reachable = true;
    bench.comfy.lookups.set(promptId, { status: "running" });
    await bench.clock.advance(700_000);
    expect(await state(attemptId)).toBe("failed");
  });

  it("messages of other prompts are no sign of work", async () => {
    const { attemptId } = await bench.accept();
    await bench.clock.advance(500_000);
    bench.comfy.say({ type: "step", promptId: "another", nodeId: "1", step: 1, steps: 10 });
    await bench.clock.advance(100_000);
    expect(await state(attemptId)).toBe("failed");
  });
});
