// What an attempt reports of its outputs while its run goes on, and that the end does not depend on it.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ComfyFile, ComfyText, PromptLookup } from "../../../../agent/comfy/port.ts";
import type { AttemptEvent, AttemptReport } from "../../../../contracts/attempt.ts";
import type { AttemptId } from "../../../../contracts/ids.ts";
import { outputResponse } from "../../../../agent/http/output-route.ts";
import { ServiceBench } from "./service-bench.ts";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

interface Made {
  files: ComfyFile[];
  texts: ComfyText[];
}

/** Writes a file as ComfyUI does, into the attempt's folder or `temp`, and says which node made it. */
async function write(attemptId: AttemptId, file: { nodeId: string; name: string; text: string; temp?: boolean }) {
  const subfolder = file.temp ? "" : attemptId;
  const folder = join(bench.folder, "comfy", file.temp ? "temp" : "output", subfolder);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file.name), file.text);
  const made: ComfyFile = { nodeId: file.nodeId, filename: file.name, subfolder, type: file.temp ? "temp" : "output" };
  return { files: [made], texts: [] };
}

function executed(promptId: string, made: Made): void {
  const nodeId = made.files[0]?.nodeId ?? made.texts[0]?.nodeId ?? "1";
  bench.comfy.say({ type: "executed", promptId, nodeId, made });
}

function succeeded(...made: Made[]): PromptLookup {
  return {
    status: "succeeded",
    files: made.flatMap(({ files }) => files),
    texts: made.flatMap(({ texts }) => texts),
    cachedNodes: [],
  };
}

const names = (report: AttemptReport) => report.outputs.map(({ index, name }) => [index, name]);
const has = (count: number) => (report: AttemptReport) => report.outputs.length === count;
const isOver = (report: AttemptReport) => report.finishedAt !== null;

async function bytesOf(attemptId: AttemptId, index: number): Promise<string> {
  const rest = { range: undefined, ifRange: undefined, ifNoneMatch: undefined };
  const request = { method: "GET", attemptId, index: String(index), ...rest };
  return await (await outputResponse(request, { attempts: bench.service, workspace: bench.workspace })).text();
}

describe("EarlyOutputs", () => {
  it("report what nodes have made while the run goes on, each with an index that stays", async () => {
    const { attemptId, promptId } = await bench.accept();
    const late = await write(attemptId, { nodeId: "9", name: "b.png", text: "second node" });
    executed(promptId, late);
    await bench.clock.advance(250);
    const first = await bench.reportWhen(attemptId, has(1));
    expect(first).toMatchObject({ state: "running", outputs: [{ index: 0, nodeId: "9", sizeBytes: 11 }] });
    expect(await bytesOf(attemptId, 0)).toBe("second node");

    const text = { files: [], texts: [{ nodeId: "5", text: "hello" }] };
    const temporary = await write(attemptId, { nodeId: "7", name: "t.webp", text: "seen", temp: true });
    executed(promptId, text);
    executed(promptId, temporary);
    await bench.clock.advance(250);
    const second = await bench.reportWhen(attemptId, has(3));
    expect(names(second)).toEqual([[0, "b.png"], [1, "text-5.txt"], [2, "t.webp"]]);
    expect(second.rev).toBe(first.rev + 1);
    expect(second.outputs[2]?.temporary).toBe(true);

    const early = await write(attemptId, { nodeId: "2", name: "a.png", text: "at the end" });
    bench.comfy.finish(promptId, succeeded(early, temporary, late, text));
    const last = await bench.reportWhen(attemptId, isOver);
    expect(names(last)).toEqual([[3, "a.png"], [2, "t.webp"], [0, "b.png"], [1, "text-5.txt"]]);
    expect(await Promise.all([0, 1, 2, 3].map((index) => bytesOf(attemptId, index)))).toEqual([
      "second node",
      "hello",
      "seen",
      "at the end",
    ]);
  });

  it("make no difference to the final list but for where the bytes are", async () => {
    const ends: AttemptReport[] = [];
    for (const isEarly of [true, false]) {
      const { attemptId, promptId } = await bench.accept();
      const made: Made[] = [];
      for (const nodeId of ["8", "3"]) {
        made.push(await write(attemptId, { nodeId, name: `${nodeId}.png`, text: nodeId }));
        if (isEarly) executed(promptId, made.at(-1) ?? { files: [], texts: [] });
      }
      await bench.clock.advance(250);
      await bench.reportWhen(attemptId, has(isEarly ? 2 : 0));
      const all = [...made.reverse(), { files: [], texts: [{ nodeId: "1", text: "t" }] }];
      bench.comfy.finish(promptId, succeeded(...all));
      ends.push(await bench.reportWhen(attemptId, isOver));
    }
    const [early, plain] = ends.map(({ outputs }) => outputs.map(({ index: _, ...rest }) => rest));
    expect(early).toEqual(plain);
    expect(plain?.length).toBe(3);
  });

  it("cost a run nothing that ends within a quarter of a second", async () => {
    const { attemptId, promptId } = await bench.accept();
    let made = 0;
    const { makeOutputs } = bench.workspace;
    bench.workspace.makeOutputs = async (id) => {
      made += 1;
      await makeOutputs.call(bench.workspace, id);
    };
    const picture = await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(promptId, picture);
    await bench.clock.advance(249);
    bench.comfy.finish(promptId, succeeded(picture));
    const end = await bench.reportWhen(attemptId, isOver);
    await bench.clock.advance(1_000);
    expect(made).toBe(0);
    expect(end).toMatchObject({ state: "succeeded", rev: 3, outputs: [{ index: 0, name: "a.png" }] });
  });

  it("tell of what has gathered in a quarter of a second at once", async () => {
    const { attemptId, promptId } = await bench.accept();
    const before = (await bench.service.get(attemptId)).rev;
    for (const name of ["a.png", "b.png", "c.png"]) {
      executed(promptId, await write(attemptId, { nodeId: name, name, text: name }));
    }
    await bench.clock.advance(250);
    expect((await bench.reportWhen(attemptId, has(3))).rev).toBe(before + 1);
  });

  it("leave out what is not there, and nothing fails by it", async () => {
    const { attemptId, promptId } = await bench.accept();
    const gone = await write(attemptId, { nodeId: "2", name: "gone.png", text: "gone" });
    await rm(join(bench.folder, "comfy/output", attemptId, "gone.png"));
    executed(promptId, gone);
    executed(promptId, await write(attemptId, { nodeId: "3", name: "here.png", text: "here" }));
    await bench.clock.advance(250);
    expect(names(await bench.reportWhen(attemptId, has(1)))).toEqual([[0, "here.png"]]);
    await write(attemptId, { nodeId: "2", name: "gone.png", text: "back" });
    bench.comfy.finish(promptId, succeeded(gone));
    expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({
      state: "succeeded",
      outputs: [{ index: 1, name: "gone.png" }],
    });
  });

  it("take a file again that another node, or the same, has written over, under the same index", async () => {
    const { attemptId, promptId } = await bench.accept();
    executed(promptId, await write(attemptId, { nodeId: "2", name: "a.png", text: "old" }));
    await bench.clock.advance(250);
    const old = await bench.reportWhen(attemptId, has(1));
    executed(promptId, await write(attemptId, { nodeId: "2", name: "a.png", text: "newer" }));
    await bench.clock.advance(250);
    const newer = await bench.reportWhen(attemptId, ({ outputs }) => outputs[0]?.sizeBytes === 5);
    expect(newer.outputs).toMatchObject([{ index: 0, nodeId: "2" }]);
    expect(newer.outputs[0]?.sha256).not.toBe(old.outputs[0]?.sha256);
    const last = await write(attemptId, { nodeId: "4", name: "a.png", text: "at last" });
    bench.comfy.finish(promptId, succeeded(last));
    const end = await bench.reportWhen(attemptId, isOver);
    expect(end.outputs).toMatchObject([{ index: 0, nodeId: "4", sizeBytes: 7 }]);
    expect(await bytesOf(attemptId, 0)).toBe("at last");
  });

  it("are known to the next agent, which goes on counting", async () => {
    const { attemptId, promptId } = await bench.accept();
    const first = await write(attemptId, { nodeId: "2", name: "a.png", text: "first" });
    executed(promptId, first);
    await bench.clock.advance(250);
    const before = await bench.reportWhen(attemptId, has(1));
    bench.restart();
    const after = await bench.service.get(attemptId);
    expect(after.outputs).toEqual(before.outputs);
    expect(after.rev).toBeGreaterThan(before.rev);
    expect(await bytesOf(attemptId, 0)).toBe("first");
    const second = await write(attemptId, { nodeId: "1", name: "b.png", text: "second" });
    executed(promptId, second);
    await bench.clock.advance(250);
    expect(names(await bench.reportWhen(attemptId, has(2)))).toEqual([[0, "a.png"], [1, "b.png"]]);
    bench.comfy.finish(promptId, succeeded(second, first));
    expect(names(await bench.reportWhen(attemptId, isOver))).toEqual([[1, "b.png"], [0, "a.png"]]);
  });

  it("are not in the report of a run that failed or was canceled", async () => {
    for (const how of ["failed", "canceled"] as const) {
      const { attemptId, promptId } = await bench.accept();
      executed(promptId, await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
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
    executed(promptId, await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
    await bench.service.cancel(attemptId);
    await bench.clock.advance(500);
    expect(await readdir(join(bench.folder, "attempts")).catch(() => [])).toEqual([]);
    expect(await bench.service.get(attemptId)).toMatchObject({ state: "running", outputs: [] });
  });

  it("are not looked for once ComfyUI has said that it is done, though it does not confirm it yet", async () => {
    const { attemptId, promptId } = await bench.accept();
    const picture = await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(promptId, picture);
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
    executed(promptId, await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" }));
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
    const picture = await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(promptId, picture);
    await bench.clock.advance(250);
    expect((await bench.service.get(attemptId)).outputs).toEqual([]);
    bench.comfy.finish(promptId, succeeded(picture));
    expect(await bench.reportWhen(attemptId, isOver)).toMatchObject({
      state: "succeeded",
      outputs: [{ name: "a.png" }],
    });
    expect(bench.fatal).toEqual([]);
  });

  it("go to whoever watches, the newest picture of the work first of all to who asks for previews", async () => {
    const { attemptId, promptId } = await bench.accept();
    const bytes = new TextEncoder().encode("work");
    bench.comfy.say({ type: "preview", promptId, nodeId: "1", contentType: "image/png", bytes });
    const events: AttemptEvent[] = [];
    const { signal } = new AbortController();
    const reading = (async () => {
      for await (const event of bench.service.watch(attemptId, { previews: true }, signal)) events.push(event);
    })();
    const picture = await write(attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(promptId, picture);
    await bench.clock.advance(250);
    await bench.reportWhen(attemptId, has(1));
    bench.comfy.finish(promptId, succeeded(picture));
    await reading;
    expect(events[1]).toMatchObject({ type: "preview", dataBase64: btoa("work") });
    const told = events.flatMap((event) => event.type === "report" ? [event.report] : []);
    expect(told.map(({ state, outputs }) => [state, outputs.length])).toEqual([
      ["running", 0],
      ["running", 1],
      ["collecting", 1],
      ["succeeded", 1],
    ]);
  });
});
