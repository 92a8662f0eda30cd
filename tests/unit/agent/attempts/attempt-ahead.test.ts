// When ComfyUI is given the prompt that waits behind the one it runs.
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import { DEFAULT_ATTEMPT_TIMING } from "../../../../agent/attempts/timing.ts";
import { ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

/** One that runs, and one that waits behind it. */
async function runAndAhead(): Promise<{ first: AttemptReport & { promptId: string }; second: AttemptReport }> {
  const first = await bench.accept();
  const { promptId: _promptId, ...second } = await bench.accept({ after: first.attemptId });
  expect([second.state, bench.comfy.submitted.length]).toEqual(["accepted", 1]);
  return { first, second };
}

/** All that can happen without time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  await bench.clock.advance(0);
}

async function states(...attempts: AttemptReport[]): Promise<string[]> {
  const reports = await Promise.all(attempts.map(({ attemptId }) => bench.service.get(attemptId)));
  return reports.map(({ state }) => state);
}

describe("the prompt that waits", () => {
  it("is given to ComfyUI when its socket says that it is through, before a lookup confirms that", async () => {
    const { first, second } = await runAndAhead();
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    expect(bench.comfy.submitted.length).toBe(2);
    // The lookup still calls it running, and decides: the slot stays its own until then.
    expect(await states(first, second)).toEqual(["running", "running"]);
    expect(bench.service.slots()).toMatchObject([{ ready: false, attemptId: first.attemptId }]);
    bench.comfy.lookups.set(first.promptId, SUCCEEDED);
    await bench.clock.advance(DEFAULT_ATTEMPT_TIMING.pollMs);
    await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
    expect(bench.service.slots()).toMatchObject([{ ready: false, attemptId: second.attemptId }]);
    bench.comfy.finish(bench.comfy.submitted[1]?.promptId ?? "", SUCCEEDED);
    await bench.reportWhen(second.attemptId, ({ state }) => state === "succeeded");
    expect(bench.comfy.submitted.length).toBe(2);
  });

  it("cannot be withdrawn from then on", async () => {
    const { first, second } = await runAndAhead();
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    await expect(bench.service.withdraw(second.attemptId)).rejects.toMatchObject({ code: "conflict" });
  });

  it("is followed in the ComfyUI that has it by an agent that begins in between", async () => {
    const { first, second } = await runAndAhead();
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    bench.restart();
    bench.comfy.lookups.set(first.promptId, SUCCEEDED);
    await bench.clock.advance(DEFAULT_ATTEMPT_TIMING.pollMs);
    await bench.reportWhen(first.attemptId, ({ state }) => state === "succeeded");
    expect(await states(second)).toEqual(["running"]);
    expect(bench.comfy.submitted.length).toBe(2);
  });

  it("is canceled in the ComfyUI that may have it by an agent that begins while it is being posted", async () => {
    const { first, second } = await runAndAhead();
    const { submit } = bench.comfy.api;
    bench.comfy.api.submit = async (submission, signal) => {
      await submit(submission, signal);
      return await Promise.withResolvers<never>().promise;
    };
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    expect(await states(first, second)).toEqual(["running", "accepted"]);
    bench.comfy.api.submit = submit;
    bench.restart();
    const promptId = bench.comfy.submitted[1]?.promptId ?? "";
    expect((await bench.service.cancel(second.attemptId)).state).not.toBe("canceled");
    await bench.clock.advance(DEFAULT_ATTEMPT_TIMING.pollMs);
    expect(bench.comfy.canceled).toContain(promptId);
    bench.comfy.finish(promptId, { status: "interrupted" });
    await bench.reportWhen(second.attemptId, ({ state }) => state === "canceled");
    expect(bench.comfy.submitted.length).toBe(2);
  });

  it("has the previews that name no prompt, once ComfyUI is through with the one before", async () => {
    const { first, second } = await runAndAhead();
    const seen: string[] = [];
    const stop = new AbortController();
    const watch = async (name: string, { attemptId }: AttemptReport) => {
      const events = bench.service.watch(attemptId, { previews: true }, stop.signal);
      for await (const event of events) if (event.type === "preview") seen.push(`${name} ${event.nodeId}`);
    };
    const watching = [watch("first", first), watch("second", second)];
    const preview = async (nodeId: string) => {
      const bytes = new Uint8Array([1]);
      bench.comfy.say({ type: "preview", promptId: null, nodeId, contentType: "image/png", bytes });
      await settle();
    };
    await preview("a");
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    expect(await states(first, second)).toEqual(["running", "running"]);
    await preview("b");
    expect(seen).toEqual(["first a", "second b"]);
    stop.abort();
    await Promise.all(watching);
  });

  it("waits for the lookup where the run has failed, however long ComfyUI then takes to be through", async () => {
    const { first } = await runAndAhead();
    const error = { code: "execution_failed", message: "Cannot run node 1" } as const;
    bench.comfy.say({ type: "failed", promptId: first.promptId, error });
    for (let passedMs = 0; passedMs < 3_000; passedMs += 100) await bench.clock.advance(100);
    bench.comfy.say({ type: "finished", promptId: first.promptId });
    await settle();
    expect(bench.comfy.submitted.length).toBe(1);
  });

  it.each<[string, (promptId: string, first: AttemptReport) => unknown]>([
    ["is at work", (promptId) => bench.comfy.say({ type: "executing", promptId, nodeId: "2" })],
    ["has failed, which may have been the GPU", (promptId) => {
      bench.comfy.say({ type: "failed", promptId, error: { code: "execution_failed", message: "Cannot run node 1" } });
      bench.comfy.say({ type: "finished", promptId });
    }],
    ["was interrupted", (promptId) => {
      bench.comfy.say({ type: "interrupted", promptId });
      bench.comfy.say({ type: "finished", promptId });
    }],
    ["is through with one that is being canceled", async (promptId, first) => {
      await bench.service.cancel(first.attemptId);
      bench.comfy.say({ type: "finished", promptId });
    }],
    ["is through with somebody else's", () => bench.comfy.say({ type: "finished", promptId: "of somebody else" })],
  ])("waits for the lookup where ComfyUI %s", async (_name, act) => {
    const { first, second } = await runAndAhead();
    await act(first.promptId, first);
    await settle();
    expect(bench.comfy.submitted.length).toBe(1);
    expect(await states(second)).toEqual(["accepted"]);
    bench.comfy.finish(first.promptId, SUCCEEDED);
    await bench.reportWhen(second.attemptId, ({ state }) => state === "running");
  });
});
