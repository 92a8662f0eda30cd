// A run that an attached ComfyUI does not end: over for its job, not for the slot.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conditionsOf } from "../../../../agent/pod/conditions.ts";
import { newOrder, ServiceBench } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
  bench.comfy.ownsProcess = false;
});
afterEach(async () => await bench[Symbol.asyncDispose]());

describe("on an attached ComfyUI", () => {
  it("a cancel that is not obeyed ends the attempt after the grace time, and the slot waits for the prompt's end", async () => {
    const { attemptId, promptId } = await bench.accept();
    const staged = join(bench.folder, "comfy/input", attemptId);
    await mkdir(staged);
    await bench.service.cancel(attemptId);
    await bench.clock.advance(59_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    await bench.clock.advance(2_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "canceled" });
    expect([bench.comfy.status.evicting, bench.comfy.restarts]).toEqual([[promptId], []]);
    expect(bench.service.slots()).toEqual([{ index: 0, ready: false, attemptId: null }]);
    expect(conditionsOf(bench.comfy.status)).toMatchObject([{ type: "ComfyReady", status: "false" }]);
    await expect(bench.service.start(newOrder())).rejects.toMatchObject({
      code: "comfy_unavailable",
      message: "Cannot start attempt: ComfyUI may still run a prompt that was given up",
    });
    expect(await readdir(join(bench.folder, "comfy/input"))).toEqual([attemptId]);
    bench.comfy.change({ evicting: [] });
    await bench.clock.advance(1_000);
    expect(bench.service.slots()).toMatchObject([{ ready: true }]);
    await bench.reportWhen((await bench.accept()).attemptId, ({ state }) => state === "running");
    await bench.clock.advance(1_000);
    await expect.poll(() => readdir(join(bench.folder, "comfy/input"))).toEqual([]);
  });

  it("no progress fails the attempt with a hint that is true there, and holds the one that waits behind it", async () => {
    const { attemptId } = await bench.accept();
    const next = newOrder({ after: attemptId });
    await bench.service.start(next);
    await bench.clock.advance(601_000);
    const { state, error } = await bench.service.get(attemptId);
    expect([state, error?.code]).toEqual(["failed", "no_progress"]);
    expect(error?.hint).toContain("restart it by hand");
    await bench.clock.advance(5_000);
    expect(bench.comfy.submitted.length).toBe(1);
    bench.comfy.change({ evicting: [] });
    await bench.clock.advance(1_000);
    expect(await bench.service.get(next.attemptId)).toMatchObject({ state: "running" });
  });

  it("a new agent asks for the end of what the last one gave up, released or not", async () => {
    const held = await bench.accept();
    await bench.service.cancel(held.attemptId);
    await bench.clock.advance(61_000);
    bench.restart(() => bench.comfy.change({ evicting: [] }));
    expect(bench.comfy.status.evicting).toEqual([held.promptId]);
    await bench.service.release([held.attemptId]);
    bench.restart(() => bench.comfy.change({ evicting: [] }));
    expect(bench.comfy.status.evicting).toEqual([held.promptId]);
  });
});
