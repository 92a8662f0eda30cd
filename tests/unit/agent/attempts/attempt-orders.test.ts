// Which orders the agent takes, and what it keeps of them.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { typeid } from "typeid-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AssetId } from "../../../../contracts/ids.ts";
import type { AttemptEvent } from "../../../../contracts/attempt.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { DEFAULT_ATTEMPT_TIMING } from "../../../../agent/attempts/timing.ts";
import { comfyUnavailable } from "../../../support/fake-comfy-port.ts";
import { newOrder, ServiceBench, SUCCEEDED } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

const BYTES = new TextEncoder().encode("picture");
const input = {
  assetId: AssetId.parse(typeid("asset").toString()),
  sha256: createHash("sha256").update(BYTES).digest("hex"),
  sizeBytes: BYTES.length,
  fileName: "../../My Photo.JPG",
};
const loadGraph: Workflow = {
  "1": { class_type: "LoadImage", inputs: { image: { __type: "core/ASSET", info: { id: input.assetId } } } },
};

async function* once(bytes: Uint8Array) {
  yield bytes;
}

describe("start()", () => {
  it("refuses while ComfyUI is not ready, and keeps nothing", async () => {
    bench.comfy.die();
    await expect(bench.service.start(newOrder())).rejects.toMatchObject({ code: "comfy_unavailable" });
    expect(bench.service.reports()).toEqual([]);
  });

  it("refuses a second attempt without `after`, and a third behind the second", async () => {
    const first = await bench.accept();
    await expect(bench.service.start(newOrder())).rejects.toMatchObject({ code: "slot_busy" });
    await expect(bench.service.start(newOrder({ after: newOrder().attemptId }))).rejects.toMatchObject({
      code: "slot_busy",
    });
    const second = newOrder({ after: first.attemptId });
    await bench.service.start(second);
    await expect(bench.service.start(newOrder({ after: first.attemptId }))).rejects.toMatchObject({
      code: "slot_busy",
    });
  });

  it("frees the slot as soon as ComfyUI is done, before the outputs are collected", async () => {
    const { attemptId, promptId } = await bench.accept();
    bench.comfy.finish(promptId, SUCCEEDED);
    await bench.reportWhen(attemptId, ({ state }) => state !== "running");
    expect(bench.service.slots()).toEqual([{ index: 0, ready: true, attemptId: null }]);
  });

  it("names an input it lacks once and stages it under its extension once it is there", async () => {
    const order = newOrder({ workflow: loadGraph, inputs: [input, { ...input }] });
    expect(await bench.service.start(order)).toEqual({ status: "missing_input", hashes: [input.sha256] });
    expect(bench.service.reports()).toEqual([]);
    await bench.inputs.put(input.sha256, once(BYTES));
    expect(await bench.service.start(order)).toEqual({ status: "accepted" });
    await bench.reportWhen(order.attemptId, ({ state }) => state === "running");
    const staged = `${order.attemptId}/0.jpg`;
    expect(bench.comfy.submitted[0]?.workflow["1"]?.inputs.image).toBe(staged);
    expect(await readFile(join(bench.folder, "comfy/input", staged), "utf8")).toBe("picture");
  });

  it("stages a copy, so that a node that writes its input changes it for nobody else", async () => {
    await bench.inputs.put(input.sha256, once(BYTES));
    const { attemptId } = await bench.accept({ workflow: loadGraph, inputs: [input] });
    await bench.reportWhen(attemptId, ({ state }) => state === "running");
    const staged = join(bench.folder, "comfy/input", String(bench.comfy.submitted[0]?.workflow["1"]?.inputs.image));
    await writeFile(staged, "what a node wrote");
    expect(await readFile(join(bench.folder, "inputs", input.sha256))).toEqual(Buffer.from(BYTES));
  });

  it("uploads inputs where ComfyUI's folders are not on this disk", async () => {
    bench.comfy.folders = null;
    await bench.inputs.put(input.sha256, once(BYTES));
    const order = newOrder({ workflow: loadGraph, inputs: [input] });
    await bench.service.start(order);
    await bench.reportWhen(order.attemptId, ({ state }) => state === "running");
    expect(bench.comfy.uploaded).toEqual([{ name: "0.jpg", subfolder: order.attemptId, text: "picture" }]);
  });

  it("stages inputs once, and gives ComfyUI its time from there, however long they took", async () => {
    bench.comfy.folders = null;
    let uploads = 0;
    bench.comfy.api.upload = async ({ name }) => {
      uploads += 1;
      await bench.clock.sleep(DEFAULT_ATTEMPT_TIMING.readyWithinMs + 10_000);
      return name;
    };
    let posts = 0;
    bench.comfy.submission = () => (++posts === 1 ? Promise.reject(comfyUnavailable()) : { status: "accepted" });
    await bench.inputs.put(input.sha256, once(BYTES));
    const order = newOrder({ workflow: loadGraph, inputs: [input] });
    await bench.service.start(order);
    for (let looks = 0; uploads === 0 && looks < 400; looks++) await new Promise((done) => setTimeout(done, 5));
    await bench.clock.advance(DEFAULT_ATTEMPT_TIMING.readyWithinMs + 15_000);
    expect(await bench.service.get(order.attemptId)).toMatchObject({ state: "running" });
    expect([uploads, posts]).toEqual([1, 2]);
  });

  it("refuses a graph that names an asset which is no input", async () => {
    await expect(bench.service.start(newOrder({ workflow: loadGraph }))).rejects.toMatchObject({
      code: "missing_asset",
    });
  });

  it("asks for no input that the graph does not use", async () => {
    expect(await bench.service.start(newOrder({ inputs: [input] }))).toEqual({ status: "accepted" });
  });

  it("is lost, and asks for the input anew, when the store has lost it", async () => {
    await bench.inputs.put(input.sha256, once(BYTES));
    await rm(join(bench.folder, "inputs", input.sha256));
    const order = newOrder({ workflow: loadGraph, inputs: [input] });
    await bench.service.start(order);
    await bench.reportWhen(order.attemptId, ({ state }) => state === "lost");
    expect(await bench.service.start(newOrder({ workflow: loadGraph, inputs: [input] }))).toMatchObject({
      status: "missing_input",
    });
  });
});

describe("withdraw()", () => {
  it("refuses an attempt that may have reached ComfyUI", async () => {
    const { attemptId } = await bench.accept();
    await expect(bench.service.withdraw(attemptId)).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("release()", () => {
  it("deletes the attempt's files here and at ComfyUI, and its history there", async () => {
    const { attemptId, promptId } = await bench.accept();
    const folder = join(bench.folder, "comfy/output", attemptId);
    await mkdir(folder);
    await writeFile(join(folder, "a.png"), "pixels");
    const file = { nodeId: "2", filename: "a.png", subfolder: attemptId, type: "output" as const };
    bench.comfy.finish(promptId, { status: "succeeded", files: [file], texts: [], cachedNodes: ["1"] });
    const report = await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
    expect(report).toMatchObject({ cached: true, outputs: [{ name: "a.png", sizeBytes: 6 }] });
    expect(await readFile(bench.workspace.outputPath(attemptId, 0), "utf8")).toBe("pixels");
    await bench.service.release([attemptId]);
    await bench.service.stop();
    expect(await readdir(join(bench.folder, "attempts"))).toEqual([]);
    expect(await readdir(join(bench.folder, "comfy/output"))).toEqual([]);
    expect(bench.comfy.forgotten).toEqual([promptId]);
  });

  it("of several has them forgotten in one request, each once, and holds none up that ComfyUI still runs", async () => {
    const ends = [];
    for (let at = 0; at < 3; at++) {
      const { attemptId, promptId } = await bench.accept();
      bench.comfy.finish(promptId, SUCCEEDED);
      await bench.reportWhen(attemptId, ({ state }) => state === "succeeded");
      ends.push({ attemptId, promptId });
    }
    const [first, second, third] = ends.map(({ promptId }) => promptId);
    const requests: string[][] = [];
    bench.comfy.api.forget = (promptIds) => Promise.resolve(void requests.push([...promptIds]));
    bench.comfy.change({ evicting: [second ?? ""] });
    const ids = ends.map(({ attemptId }) => attemptId);
    await bench.service.release([...ids, ...ids]);
    await expect.poll(() => requests).toEqual([[first, third]]);
    bench.comfy.change({ evicting: [] });
    await bench.clock.advance(1_000);
    await expect.poll(() => requests).toEqual([[first, third], [second]]);
  });

  it("refuses a running attempt, and does not mind an unknown one", async () => {
    const { attemptId } = await bench.accept();
    await expect(bench.service.release([attemptId])).rejects.toMatchObject({ code: "conflict" });
    await bench.service.release([newOrder().attemptId]);
  });
});

describe("watch()", () => {
  it("gives at most five progress events a second, the newest each time", async () => {
    const { attemptId, promptId } = await bench.accept();
    const events: AttemptEvent[] = [];
    const reading = (async () => {
      const signal = new AbortController().signal;
      for await (const event of bench.service.watch(attemptId, { previews: false }, signal)) events.push(event);
    })();
    for (let step = 1; step <= 100; step++) {
      bench.comfy.say({ type: "step", promptId, nodeId: "1", step, steps: 100 });
      await bench.clock.advance(10);
    }
    const progress = events.flatMap((event) => (event.type === "progress" ? [event.progress.step] : []));
    expect(progress.length).toBeGreaterThanOrEqual(5);
    expect(progress.length).toBeLessThanOrEqual(6);
    bench.comfy.finish(promptId, SUCCEEDED);
    await reading;
    expect(events.at(-1)).toMatchObject({ type: "report", report: { state: "succeeded", progress: { value: 1 } } });
  });

  it("drops previews for a reader that is behind, and sends none to who did not ask", async () => {
    const { attemptId, promptId } = await bench.accept();
    const signal = new AbortController().signal;
    const watcher = bench.service.watch(attemptId, { previews: true }, signal)[Symbol.asyncIterator]();
    expect((await watcher.next()).value).toMatchObject({ type: "report" });
    for (const text of ["one", "two", "three"]) {
      const bytes = new TextEncoder().encode(text);
      bench.comfy.say({ type: "preview", promptId, nodeId: "1", contentType: "image/png", bytes });
    }
    // More than the contract's bound: the stream would end at the edge.
    const large = new Uint8Array(1_000_000);
    bench.comfy.say({ type: "preview", promptId, nodeId: "1", contentType: "image/png", bytes: large });
    expect((await watcher.next()).value).toMatchObject({ dataBase64: btoa("three") });
    const other = bench.service.watch(attemptId, { previews: false }, signal)[Symbol.asyncIterator]();
    await other.next();
    bench.comfy.say({ type: "preview", promptId, nodeId: "1", contentType: "image/png", bytes: new Uint8Array(1) });
    bench.comfy.say({ type: "executing", promptId, nodeId: "2" });
    expect((await other.next()).value).toMatchObject({ type: "progress" });
  });

  it("ends when the agent stops", async () => {
    const { attemptId } = await bench.accept();
    const signal = new AbortController().signal;
    const watcher = bench.service.watch(attemptId, { previews: false }, signal)[Symbol.asyncIterator]();
    await watcher.next();
    const ended = watcher.next();
    await bench.service.stop();
    expect(await ended).toMatchObject({ done: true });
  });
});
