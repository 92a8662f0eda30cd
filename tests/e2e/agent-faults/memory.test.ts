// What ComfyUI knows no more, remembers wrongly, or has no room for.
import { describe, expect, it } from "vitest";
import { until } from "../../contract/agent/agent-process.ts";
import {
  begin,
  begun,
  comfyReady,
  expectNoRestart,
  expectOneRestart,
  logged,
  runToEnd,
  startFaultyAgent,
} from "./faulty-agent.ts";
import { finalReport, imageGraph, previewGraph, slowGraph } from "../../contract/agent/orders.ts";

describe("a history that is empty", () => {
  // Agents ask once a second, and more often after the end: two looks in a row and more fall into each gap, which an agent
  // that believed the second would take for a loss.
  it.each([
    ["submit:2500ms", []],
    ["run:2500ms", []],
    ["end:1200ms", []],
    ["submit:2500ms", ["--fault", "no-jobs-api"]],
    ["end:1200ms", ["--fault", "no-jobs-api"]],
  ])("empty-history=%s %j: the attempt succeeds, once", async (gap, args) => {
    await using faulty = await startFaultyAgent({ args: [...args, "--fault", `empty-history=${gap}`] });
    expect(await runToEnd(faulty, slowGraph(200))).toMatchObject({ state: "succeeded", progress: { value: 1 } });
    expect([await begun(faulty), faulty.agent.promptsTaken()]).toEqual([1, 1]);
    await expectNoRestart(faulty);
  });

  it("empty-history=end:ever: the attempt is lost, not done, and is not posted again", async () => {
    await using faulty = await startFaultyAgent({ args: ["--fault", "empty-history=end:ever"] });
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({
      state: "lost",
      error: { code: "pod_lost", message: expect.stringContaining("no longer knows the prompt") },
    });
    expect(faulty.agent.promptsTaken()).toBe(1);
    await expectNoRestart(faulty);
  });
});

describe("a cache that names old files", () => {
  it("a saved picture is saved anew, whatever the cache holds", async () => {
    await using faulty = await startFaultyAgent({ args: ["--fault", "stale-cache"] });
    const graph = imageGraph();
    for (let run = 0; run < 2; run += 1) {
      expect(await runToEnd(faulty, graph)).toMatchObject({ state: "succeeded", outputs: [{}, {}] });
    }
    await expectNoRestart(faulty);
  });

  it("a preview that is gone makes the attempt lost and the cache empty, and the next attempt makes it anew", async () => {
    await using faulty = await startFaultyAgent({ args: ["--fault", "stale-cache"] });
    const graph = previewGraph();
    expect(await runToEnd(faulty, graph)).toMatchObject({ state: "succeeded" });
    expect(await runToEnd(faulty, graph)).toMatchObject({ state: "lost", error: { code: "output_missing" } });
    expect(await runToEnd(faulty, graph)).toMatchObject({ state: "succeeded", outputs: [{ temporary: true }] });
    await expectNoRestart(faulty);
  });
});

describe("out of memory", () => {
  it.each(["oom", "cpu-oom"])(
    "%s: the attempt fails with out_of_memory, and the next one runs in the same ComfyUI",
    async (fault) => {
      await using faulty = await startFaultyAgent();
      await faulty.standIn.arm(fault, "node:2");
      expect(await runToEnd(faulty, imageGraph())).toMatchObject({
        state: "failed",
        error: { code: "out_of_memory", nodeId: "2", classType: "SaveImage" },
      });
      await faulty.standIn.clear();
      expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
      await expectNoRestart(faulty);
    },
  );
});

describe("a broken CUDA context", () => {
  it("poisoned-cuda: the attempt fails with gpu_fault, and ComfyUI is started anew after the first error, once", async () => {
    await using faulty = await startFaultyAgent();
    await faulty.standIn.arm("poisoned-cuda", "node:2");
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "failed", error: { code: "gpu_fault" } });
    await expectOneRestart(faulty, "GpuFault", /illegal memory access/);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
    // The log tells of the fault too, and is believed only after a while: no second restart comes of it.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await expectOneRestart(faulty, "GpuFault", /illegal memory access/);
  });
});

describe("memory that ComfyUI does not give back", () => {
  const env = { COMFYUI_MAX_RSS_BYTES: String(500 * 1024 ** 2), COMFYUI_MEMORY_CHECK_MS: "300" };

  it("ram-leak that /free ends: ComfyUI stays", async () => {
    await using faulty = await startFaultyAgent({ env });
    await faulty.standIn.arm("ram-leak", "600:freeable");
    expect(await runToEnd(faulty, slowGraph(40))).toMatchObject({ state: "succeeded" });
    await faulty.standIn.clear();
    await logged(faulty, "ComfyUI gave its memory back");
    await expectNoRestart(faulty);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
  });

  it("ram-leak: ComfyUI finishes what it runs, takes no more, and is started anew", async () => {
    await using faulty = await startFaultyAgent({ env });
    await faulty.standIn.arm("ram-leak", "600");
    const { attemptId } = await begin(faulty, slowGraph(150));
    const waits = await until(async () => {
      const condition = await comfyReady(faulty);
      return condition.status === "false" ? condition : null;
    }, () => faulty.agent.log);
    expect(waits).toMatchObject({ reason: "MemoryLimit", message: expect.stringContaining("takes no more jobs") });
    expect(await finalReport(faulty.agent, attemptId)).toMatchObject({ state: "succeeded" });
    await logged(faulty, "ComfyUI is started anew");
    await expectOneRestart(faulty, "MemoryLimit", /held \d\.\d GiB of main memory/);
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
  });

  it("vram-leak below the floor: the same, while nothing runs", async () => {
    const floor = { COMFYUI_MIN_FREE_VRAM_BYTES: String(1024 ** 2), COMFYUI_MEMORY_CHECK_MS: "300" };
    await using faulty = await startFaultyAgent({ env: floor });
    await faulty.standIn.arm("vram-leak", "999999");
    expect(await runToEnd(faulty, imageGraph())).toMatchObject({ state: "succeeded" });
    await logged(faulty, "ComfyUI is started anew");
    await expectOneRestart(faulty, "GpuMemoryFloor", /GPU memory were free although nothing ran/);
  });
});
