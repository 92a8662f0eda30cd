// When outputs are not reported before the end, and that the end does not depend on it.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { executed, has, isOver, names, succeeded, write } from "./early-steps.ts";
import { ServiceBench } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

describe("EarlyOutputs", () => {
  it("leave out what is not there, and nothing fails by it", async () => {
    const { attemptId, promptId } = await bench.accept();
    const gone = await write(bench, attemptId, { nodeId: "2", name: "gone.png", text: "gone" });
    await rm(join(bench.folder, "comfy/output", attemptId, "gone.png"));
    executed(bench, promptId, gone);
    executed(bench, promptId, await write(bench, attemptId, { nodeId: "3", name: "here.png", text: "here" }));
    await bench.clock.advance(250);
    expect(names(await bench.reportWhen(attemptId, has(1)))).toEqual([[0, "here.png"]]);
    await write(bench, attemptId, { nodeId: "2", name: "gone.png", text: "back" });
    bench.comfy.finish(promptId, succeeded(gone));
    expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({
      state: "succeeded",
      outputs: [{ index: 1, name: "gone.png" }],
    });
  });

  it("are not in the report of a run that failed or was canceled", async () => {
    for (const how of ["failed", "canceled"] as const) {
      const { attemptId, promptId } = await bench.accept();
      executed(bench, promptId, await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
      await bench.clock.advance(250);
      await bench.reportWhen(attemptId, has(1));
      if (how === "canceled") await bench.service.cancel(attemptId);
      const error = { code: "execution_failed", message: "it broke" } as const;
      bench.comfy.finish(promptId, how === "failed" ? { status: "failed", error } : { status: "interrupted" });
      expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({ state: how, outputs: [] });
    }
  });

  it("are not looked for any more once somebody wants the run's end", async () => {
    const { attemptId, promptId } = await bench.accept();
    executed(bench, promptId, await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
    await bench.service.cancel(attemptId);
    await bench.clock.advance(500);
    expect(await readdir(join(bench.folder, "attempts")).catch(() => [])).toEqual([]);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running", outputs: [] });
  });

  it("are not looked for once ComfyUI has said that it is done, though it does not confirm it yet", async () => {
    const { attemptId, promptId } = await bench.accept();
    const picture = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(bench, promptId, picture);
    bench.comfy.say({ type: "finished", promptId });
    await bench.clock.advance(300);
    expect(await readdir(join(bench.folder, "attempts")).catch(() => [])).toEqual([]);
    bench.comfy.finish(promptId, succeeded(picture));
    expect((await bench.reportWhen(attemptId, isOver)).outputs.length).toBe(1);
  });

  it("wait for the answer to the POST, however early a node is done", async () => {
    let answer = () => undefined as void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    bench.comfy.submission = () => answered.then(() => ({ status: "accepted" }) as const);
    const { attemptId, promptId } = await bench.accept();
    executed(bench, promptId, await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
    await bench.clock.advance(600);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "accepted", outputs: [] });
    answer();
    await bench.clock.advance(250);
    expect(await bench.reportWhen(attemptId, has(1))).toMatchObject({ state: "running" });
  });

  it("stay untold while the journal cannot be written, and the run goes on", async () => {
    bench.throughJournal = (journal) => ({
      ...journal,
      findEarly: () => {
        throw new Error("disk full");
      },
    });
    bench.restart();
    const { attemptId, promptId } = await bench.accept();
    const picture = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(bench, promptId, picture);
    await bench.clock.advance(250);
    expect((await bench.service.get(attemptId)).outputs).toEqual([]);
    bench.comfy.finish(promptId, succeeded(picture));
    expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({
      state: "succeeded",
      outputs: [{ name: "a.png" }],
    });
    expect(bench.fatal).toEqual([]);
  });
});
