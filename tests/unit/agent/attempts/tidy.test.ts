// What is left of attempts, and when it goes.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { executed, has, isOver, succeeded, write } from "./early-steps.ts";
import { ServiceBench } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const FAILED = { status: "failed", error: { code: "execution_failed", message: "it broke" } } as const;
const PICTURE = { nodeId: "2", name: "a.png", text: "picture" };

const outputs = () => readdirSync(join(bench.folder, "attempts"));
const withComfy = () => readdirSync(join(bench.folder, "comfy/output"));

describe("a release", () => {
  it("removes what was taken of a run that failed and was not told of yet", async () => {
    const { attemptId, promptId } = await bench.accept();
    executed(bench, promptId, await write(bench, attemptId, PICTURE));
    executed(bench, promptId, await write(bench, attemptId, { ...PICTURE, nodeId: "3", name: "b.png" }));
    const path = bench.workspace.outputPath.bind(bench.workspace);
    vi.spyOn(bench.workspace, "outputPath").mockImplementation((id, index) => {
      if (index === 1) bench.comfy.finish(promptId, FAILED);
      return path(id, index);
    });
    await bench.clock.advance(250);
    expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({ state: "failed", outputs: [] });
    await vi.waitFor(() => expect(outputs().length).toBe(2));
    await bench.service.release([attemptId]);
    await vi.waitFor(() => expect(outputs()).toEqual([]));
  });

  it("removes what an agent was taking when it was killed, though the run failed afterwards", async () => {
    const { attemptId, promptId } = await bench.accept();
    await bench.reportWhen(attemptId, ({ state }) => state === "running");
    bench.restart(() => writeFileSync(bench.workspace.outputPath(attemptId, 0), "part"));
    await bench.workspace.sweep(new Set([attemptId]));
    bench.comfy.finish(promptId, FAILED);
    await bench.clock.advance(2_000);
    await bench.reportWhen(attemptId, isOver);
    expect(outputs().length).toBe(1);
    await bench.service.release([attemptId]);
    await vi.waitFor(() => expect(outputs()).toEqual([]));
  });

  it("waits for what is still being taken, and cleans ComfyUI's folders once", async () => {
    const { attemptId, promptId } = await bench.accept();
    executed(bench, promptId, await write(bench, attemptId, PICTURE));
    const taking = Promise.withResolvers<void>();
    const makeRoom = bench.workspace.makeRoom.bind(bench.workspace);
    const room = vi.spyOn(bench.workspace, "makeRoom").mockImplementation(async (id, index) => {
      await taking.promise;
      return await makeRoom(id, index);
    });
    const cleaned = vi.spyOn(bench.workspace, "cleanComfy");
    await bench.clock.advance(250);
    await vi.waitFor(() => expect(room).toHaveBeenCalled());
    bench.comfy.finish(promptId, FAILED);
    await bench.reportWhen(attemptId, isOver);
    await bench.service.release([attemptId]);
    expect(cleaned).not.toHaveBeenCalled();
    taking.resolve();
    await vi.waitFor(() => expect(withComfy()).toEqual([]));
    await bench.clock.advance(2_000);
    await bench.service.stop();
    expect(outputs()).toEqual([]);
    expect(cleaned).toHaveBeenCalledTimes(1);
  });
});

describe("ComfyUI's folders of a finished run", () => {
  async function finished() {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, succeeded(await write(bench, attemptId, PICTURE)));
    await bench.reportWhen(attemptId, has(1));
    return attemptId;
  }

  it("go after a second without a release, each at its time", async () => {
    const cleaned = vi.spyOn(bench.workspace, "cleanComfy");
    const first = await finished();
    await bench.clock.advance(600);
    const second = await finished();
    await bench.clock.advance(500);
    await vi.waitFor(() => expect(withComfy()).toEqual([second]));
    await bench.clock.advance(600);
    await vi.waitFor(() => expect(withComfy()).toEqual([]));
    await bench.service.release([first, second]);
    await bench.service.stop();
    expect(cleaned).toHaveBeenCalledTimes(2);
  });

  it("are looked at once, though the release comes while what is at their root is still removed", async () => {
    const removing = Promise.withResolvers<void>();
    const strays = vi.spyOn(bench.workspace, "removeStrays").mockImplementation(async () => await removing.promise);
    const cleaned = vi.spyOn(bench.workspace, "cleanComfy");
    const attemptId = await finished();
    await vi.waitFor(() => expect(strays).toHaveBeenCalled());
    await bench.service.release([attemptId]);
    await vi.waitFor(() => expect(withComfy()).toEqual([]));
    removing.resolve();
    await bench.clock.advance(2_000);
    await bench.service.stop();
    expect(cleaned).toHaveBeenCalledTimes(1);
  });

  it("go at the release where they were not known before", async () => {
    const attemptId = await finished();
    const { folders } = bench.comfy;
    bench.comfy.folders = null;
    await bench.clock.advance(1_500);
    bench.comfy.folders = folders;
    expect(withComfy()).toEqual([attemptId]);
    await bench.service.release([attemptId]);
    await vi.waitFor(() => expect(withComfy()).toEqual([]));
  });
});
