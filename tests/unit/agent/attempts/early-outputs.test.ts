// What an attempt reports of its outputs while its run goes on.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptEvent, AttemptReport } from "../../../../contracts/attempt.ts";
import { bytesOf, executed, has, isOver, type Made, names, succeeded, write } from "./early-steps.ts";
import { ServiceBench } from "./service-bench.ts";

const KEY = "comfyui-0123456789abcdef";

let bench: ServiceBench;
beforeEach(async () => {
  bench = await ServiceBench.create();
});
afterEach(async () => await bench[Symbol.asyncDispose]());

describe("EarlyOutputs", () => {
  it("report what nodes have made while the run goes on, each with an index that stays", async () => {
    const { attemptId, promptId } = await bench.accept();
    const late = await write(bench, attemptId, { nodeId: "9", name: "b.png", text: "second node" });
    executed(bench, promptId, late);
    await bench.clock.advance(250);
    const first = await bench.reportWhen(attemptId, has(1));
    expect(first).toMatchObject({ state: "running", outputs: [{ index: 0, nodeId: "9", sizeBytes: 11 }] });
    expect(await bytesOf(bench, attemptId, 0)).toBe("second node");

    const text = { files: [], texts: [{ nodeId: "5", text: "hello" }] };
    const temporary = await write(bench, attemptId, { nodeId: "7", name: "t.webp", text: "seen", temp: true });
    executed(bench, promptId, text);
    executed(bench, promptId, temporary);
    await bench.clock.advance(250);
    const second = await bench.reportWhen(attemptId, has(3));
    expect(names(second)).toEqual([[0, "b.png"], [1, "text-5.txt"], [2, "t.webp"]]);
    expect(second.rev).toBe(first.rev + 1);
    expect(second.outputs[2]?.temporary).toBe(true);

    const early = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "at the end" });
    bench.comfy.finish(promptId, succeeded(early, temporary, late, text));
    const last = await bench.reportWhen(attemptId, isOver);
    expect(names(last)).toEqual([[3, "a.png"], [2, "t.webp"], [0, "b.png"], [1, "text-5.txt"]]);
    expect(await Promise.all([0, 1, 2, 3].map((index) => bytesOf(bench, attemptId, index)))).toEqual([
      "second node",
      "hello",
      "seen",
      "at the end",
    ]);
  });

  it("carry a partner key no more than the end does", async () => {
    const { attemptId, promptId } = await bench.accept({ partnerKey: KEY });
    executed(bench, promptId, { files: [], texts: [{ nodeId: "5", text: `key is ${KEY}` }] });
    await bench.clock.advance(250);
    await bench.reportWhen(attemptId, has(1));
    const told = await bytesOf(bench, attemptId, 0);
    expect(told).toMatch(/^key is /);
    expect(told).not.toContain(KEY);
  });

  it("make no difference to the final list but for where the bytes are", async () => {
    const ends: AttemptReport[] = [];
    for (const isEarly of [true, false]) {
      const { attemptId, promptId } = await bench.accept();
      const made: Made[] = [];
      for (const nodeId of ["8", "3"]) {
        made.push(await write(bench, attemptId, { nodeId, name: `${nodeId}.png`, text: nodeId }));
        if (isEarly) executed(bench, promptId, made.at(-1) ?? { files: [], texts: [] });
      }
      await bench.clock.advance(250);
      await bench.reportWhen(attemptId, has(isEarly ? 2 : 0));
      const all = [...made.reverse(), { files: [], texts: [{ nodeId: "1", text: "t" }] }];
      bench.comfy.finish(promptId, succeeded(...all));
      ends.push(await bench.reportWhen(attemptId, isOver));
    }
    const [early, plain] = ends.map(({ outputs }) => outputs.map((output) => ({ ...output, index: null })));
    expect(early).toEqual(plain);
    expect(plain?.length).toBe(3);
  });

  it("cost a run nothing that ends within a quarter of a second", async () => {
    const { attemptId, promptId } = await bench.accept();
    let made = 0;
    const { makeRoom } = bench.workspace;
    bench.workspace.makeRoom = (id, index) => {
      made += 1;
      return makeRoom.call(bench.workspace, id, index);
    };
    const picture = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(bench, promptId, picture);
    await bench.clock.advance(249);
    bench.comfy.finish(promptId, succeeded(picture));
    const end = await bench.reportWhen(attemptId, isOver);
    await bench.clock.advance(1_000);
    // By the collection at its end.
    expect(made).toBe(1);
    expect(end).toMatchObject({ state: "succeeded", rev: 3, outputs: [{ index: 0, name: "a.png" }] });
  });

  it("tell of what has gathered in a quarter of a second at once", async () => {
    const { attemptId, promptId } = await bench.accept();
    const before = (await bench.service.get(attemptId)).rev;
    for (const name of ["a.png", "b.png", "c.png"]) {
      executed(bench, promptId, await write(bench, attemptId, { nodeId: name, name, text: name }));
    }
    await bench.clock.advance(250);
    expect((await bench.reportWhen(attemptId, has(3))).rev).toBe(before + 1);
  });

  it("take a file again that another node, or the same, has written over, under the same index", async () => {
    const { attemptId, promptId } = await bench.accept();
    executed(bench, promptId, await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "old" }));
    await bench.clock.advance(250);
    const old = await bench.reportWhen(attemptId, has(1));
    executed(bench, promptId, await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "newer" }));
    await bench.clock.advance(250);
    const newer = await bench.reportWhen(attemptId, ({ outputs }) => outputs[0]?.sizeBytes === 5);
    expect(newer.outputs).toMatchObject([{ index: 0, nodeId: "2" }]);
    expect(newer.outputs[0]?.sha256).not.toBe(old.outputs[0]?.sha256);
    const last = await write(bench, attemptId, { nodeId: "4", name: "a.png", text: "at last" });
    bench.comfy.finish(promptId, succeeded(last));
    const end = await bench.reportWhen(attemptId, isOver);
    expect(end.outputs).toMatchObject([{ index: 0, nodeId: "4", sizeBytes: 7 }]);
    expect(await bytesOf(bench, attemptId, 0)).toBe("at last");
  });

  it("are known to the next agent, which goes on counting", async () => {
    const { attemptId, promptId } = await bench.accept();
    const first = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "first" });
    executed(bench, promptId, first);
    await bench.clock.advance(250);
    const before = await bench.reportWhen(attemptId, has(1));
    bench.restart();
    const after = await bench.service.get(attemptId);
    expect(after.outputs).toEqual(before.outputs);
    expect(after.rev).toBeGreaterThan(before.rev);
    expect(await bytesOf(bench, attemptId, 0)).toBe("first");
    const second = await write(bench, attemptId, { nodeId: "1", name: "b.png", text: "second" });
    executed(bench, promptId, second);
    await bench.clock.advance(250);
    expect(names(await bench.reportWhen(attemptId, has(2)))).toEqual([[0, "a.png"], [1, "b.png"]]);
    bench.comfy.finish(promptId, succeeded(second, first));
    expect(names(await bench.reportWhen(attemptId, isOver))).toEqual([[1, "b.png"], [0, "a.png"]]);
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
    const picture = await write(bench, attemptId, { nodeId: "2", name: "a.png", text: "picture" });
    executed(bench, promptId, picture);
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
