// What becomes of a finished run whose outputs cannot be had at once: waited for, then lost; never failed for the pod's sake.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ComfyFile, PromptLookup } from "../../../../agent/comfy/port.ts";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import type { AttemptId } from "../../../../contracts/ids.ts";
import { comfyUnavailable } from "../../../support/fake-comfy-port.ts";
import { ServiceBench } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const PREVIEW: ComfyFile = { nodeId: "2", filename: "preview.png", subfolder: "", type: "temp" };

function made(...files: ComfyFile[]): PromptLookup {
  return { status: "succeeded", files, texts: [], cachedNodes: [] };
}

/** An attempt that the agent has begun to collect, and whose collection hangs. */
async function collecting(...files: ComfyFile[]): Promise<AttemptId> {
  const { makeRoom } = bench.workspace;
  bench.workspace.makeRoom = () => new Promise(() => undefined);
  const { attemptId, promptId } = await bench.accept();
  bench.comfy.finish(promptId, made(...files));
  await bench.reportWhen(attemptId, ({ state }) => state === "collecting");
  bench.workspace.makeRoom = makeRoom;
  return attemptId;
}

/** Lets virtual time pass, `stepMs` at a look, and real time for the disk. */
async function finalWithin(attemptId: AttemptId, stepMs: number): Promise<AttemptReport> {
  for (let looks = 0; looks < 1_000; looks++) {
    const report = await bench.service.get(attemptId);
    if (report.finishedAt !== null) return report;
    await bench.clock.advance(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("It did not end");
}

describe("collectRun()", () => {
  it("waits for the adoption of ComfyUI, and takes its temporary files then", async () => {
    const attemptId = await collecting(PREVIEW);
    bench.restart(() => bench.comfy.change({ state: "starting", generation: null }));
    await bench.clock.advance(50_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "collecting" });
    await writeFile(join(bench.folder, "comfy/temp", PREVIEW.filename), "preview");
    bench.comfy.ready();
    const report = await bench.reportWhen(attemptId, ({ finishedAt }) => finishedAt !== null);
    expect(report).toMatchObject({ state: "succeeded", outputs: [{ name: "preview.png", temporary: true }] });
  });

  it("is lost, not failed, when nobody says within two minutes which ComfyUI lives", async () => {
    const attemptId = await collecting(PREVIEW);
    bench.restart(() => bench.comfy.change({ state: "starting", generation: null }));
    await bench.clock.advance(121_000);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "lost", error: { code: "comfy_unavailable" } });
  });

  it("looks for temporary files where the generation that ran it has put them", async () => {
    const temp = join(bench.folder, "comfy/temp-1");
    await mkdir(temp);
    await writeFile(join(temp, PREVIEW.filename), "preview");
    const { folders } = bench.comfy;
    if (folders !== null) bench.comfy.foldersByGeneration.set("generation-1", { ...folders, temp });
    const attemptId = await collecting(PREVIEW);
    bench.restart(() => bench.comfy.ready("generation-2"));
    await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
  });

  it("stands without temporary files that are gone", async () => {
    const { attemptId, promptId } = await bench.accept();
    const folder = join(bench.folder, "comfy/output", attemptId);
    await mkdir(folder);
    await writeFile(join(folder, "a.png"), "picture");
    bench.comfy.finish(
      promptId,
      made(PREVIEW, { ...PREVIEW, filename: "a.png", subfolder: attemptId, type: "output" }),
    );
    const report = await bench.reportWhen(attemptId, ({ finishedAt }) => finishedAt !== null);
    expect(report).toMatchObject({ state: "succeeded", outputs: [{ name: "a.png" }] });
  });

  it("is lost when all it made went with its ComfyUI", async () => {
    const attemptId = await collecting(PREVIEW);
    bench.restart(() => bench.comfy.ready("generation-2"));
    const report = await bench.reportWhen(attemptId, ({ finishedAt }) => finishedAt !== null);
    expect(report).toMatchObject({ state: "lost", error: { code: "pod_lost" } });
  });

  it("over the API waits for an answer, and is lost without one", async () => {
    bench.comfy.folders = null;
    bench.comfy.api.view = () => Promise.reject(comfyUnavailable());
    const view = () => Promise.resolve(new Response("preview"));
    const patient = await bench.accept();
    bench.comfy.finish(patient.promptId, made(PREVIEW));
    await bench.reportWhen(patient.attemptId, ({ state }) => state === "collecting");
    for (let second = 0; second < 30; second++) await bench.clock.advance(1_000);
    expect(await bench.service.get(patient.attemptId)).toMatchObject({ state: "collecting" });
    bench.comfy.api.view = view;
    expect(await finalWithin(patient.attemptId, 50)).toMatchObject({ state: "succeeded" });
    bench.comfy.api.view = () => Promise.reject(comfyUnavailable());
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, made(PREVIEW));
    expect(await finalWithin(attemptId, 1_000)).toMatchObject({ state: "lost", error: { code: "comfy_unavailable" } });
  });

  it("over the API takes a body that breaks for no answer", async () => {
    bench.comfy.folders = null;
    let tries = 0;
    const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) });
    bench.comfy.api.view = () => Promise.resolve(new Response(++tries === 1 ? broken : "preview"));
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, made(PREVIEW));
    expect(await finalWithin(attemptId, 50)).toMatchObject({ state: "succeeded" });
    expect(tries).toBe(2);
  });

  it("is lost when the pod's disk is full", async () => {
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    bench.workspace.makeRoom = () => Promise.reject(full);
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, made(PREVIEW));
    const report = await bench.reportWhen(attemptId, ({ finishedAt }) => finishedAt !== null);
    expect(report).toMatchObject({ state: "lost", error: { message: expect.stringContaining("ENOSPC") } });
  });

  it("is lost, with the cache dropped, when a cached node named a file that is gone", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, { status: "succeeded", files: [PREVIEW], texts: [], cachedNodes: ["1", "2"] });
    expect(await finalWithin(attemptId, 10)).toMatchObject({ state: "lost", error: { code: "output_missing" } });
    expect(bench.comfy.droppedCaches).toBe(1);
  });

  it("fails, with the cache kept, when a node that ran left no file", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, { status: "succeeded", files: [PREVIEW], texts: [], cachedNodes: ["1"] });
    expect(await finalWithin(attemptId, 10)).toMatchObject({ state: "failed", error: { code: "output_missing" } });
    expect(bench.comfy.droppedCaches).toBe(0);
  });
});
