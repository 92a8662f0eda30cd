// A journal that cannot be written ends the agent; what ComfyUI has of the attempt is the next agent's to find out.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal } from "../../../../agent/journal/port.ts";
import { ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

/** From the next service on, the first `times` calls of each of these fail, as on a full disk. */
function failing(names: readonly ("run" | "collect" | "finish" | "progress")[], times = 1): void {
  bench.throughJournal = (journal) => {
    const failed: Partial<Journal> = {};
    for (const name of names) {
      let left = times;
      failed[name] = (...parameters: unknown[]) => {
        if (left-- > 0) throw new Error("database or disk is full");
        Reflect.apply(journal[name], journal, parameters);
      };
    }
    return { ...journal, ...failed };
  };
  bench.restart();
}

describe("a journal that fails", () => {
  it("when ComfyUI has taken the prompt ends the agent, and the next one follows that prompt", async () => {
    failing(["run", "finish"]);
    const { attemptId, promptId, state } = await bench.accept();
    expect([state, bench.fatal.length]).toEqual(["accepted", 1]);
    bench.throughJournal = (journal) => journal;
    bench.restart();
    await bench.clock.advance(5_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running" });
    expect(bench.comfy.submitted.length).toBe(1);
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("when the run is over ends the agent, and the next one collects it", async () => {
    failing(["collect"]);
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.clock.advance(1_000);
    expect([bench.fatal.length, (await bench.service.get(attemptId)).state]).toEqual([1, "running"]);
    bench.throughJournal = (journal) => journal;
    bench.restart();
    await bench.clock.advance(1_000);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
  });

  it("at progress alone ends nothing", async () => {
    failing(["progress"], Infinity);
    const { attemptId, promptId } = await bench.accept();
    await bench.clock.advance(3_000);
    bench.comfy.say({ type: "executing", promptId, nodeId: "2" });
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, (report) => report.state === "succeeded");
    expect(bench.fatal).toEqual([]);
  });
});
