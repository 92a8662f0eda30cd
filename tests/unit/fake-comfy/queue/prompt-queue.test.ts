import { describe, expect, it } from "vitest";
import {
  type HistoryEntry,
  PromptQueue,
  type QueueItem,
  queueTuple,
} from "../../../../fake-comfy/queue/prompt-queue.ts";

function item(promptId: string, number: number): QueueItem {
  return {
    number,
    promptId,
    prompt: { [promptId]: {} },
    extraData: { seen: Math.random() },
    outputs: [],
    sensitive: {},
  };
}

function entry(of: QueueItem): HistoryEntry {
  return {
    prompt: queueTuple(of),
    outputs: {},
    meta: {},
    status: { status_str: "success", completed: true, messages: [] },
  };
}

describe("PromptQueue", () => {
  it("take() returns the lowest number first and waits for the next", async () => {
    const queue = new PromptQueue({ changed: () => undefined, monotonicMs: () => 0 });
    queue.put(item("b", 2));
    queue.put(item("a", -1));
    expect((await queue.take())?.item.promptId).toBe("a");
    expect((await queue.take())?.item.promptId).toBe("b");
    const waiting = queue.take();
    queue.put(item("c", 3));
    expect((await waiting)?.item.promptId).toBe("c");
  });

  it("put() of a tie throws but keeps the item", () => {
    const queue = new PromptQueue({ changed: () => undefined, monotonicMs: () => 0 });
    queue.put(item("a", 5));
    expect(() => queue.put(item("a", 5))).toThrow("'<' not supported");
    expect(queue.remaining()).toBe(2);
  });

  it("done() moves the prompt into the history and reports one change", async () => {
    let changes = 0;
    const queue = new PromptQueue({ changed: () => changes++, monotonicMs: () => 0 });
    queue.put(item("a", 1));
    const taken = await queue.take();
    if (taken === null) throw new Error("nothing taken");
    expect([queue.isRunning("a"), queue.historyOf("a")]).toEqual([true, undefined]);
    queue.done(taken.ticket, entry(taken.item));
    expect([queue.isRunning("a"), queue.historyOf("a")?.status.completed, changes]).toEqual([false, true, 3]);
  });

  it("remove() takes one pending item of an id and knows no others", () => {
    const queue = new PromptQueue({ changed: () => undefined, monotonicMs: () => 0 });
    queue.put(item("a", 1));
    queue.put(item("b", 2));
    expect([queue.remove("a"), queue.remove("a"), queue.remaining()]).toEqual([true, false, 1]);
  });

  it("history() pages from the end with maxItems alone, from the start with an offset", async () => {
    const queue = new PromptQueue({ changed: () => undefined, monotonicMs: () => 0 });
    for (const [index, id] of ["a", "b", "c"].entries()) {
      queue.put(item(id, index));
      const taken = await queue.take();
      if (taken !== null) queue.done(taken.ticket, entry(taken.item));
    }
    const ids = (page?: { maxItems: number | null; offset: number }) => queue.history(page).map(([id]) => id);
    expect(ids()).toEqual(["a", "b", "c"]);
    expect(ids({ maxItems: 2, offset: -1 })).toEqual(["b", "c"]);
    expect(ids({ maxItems: 1, offset: 1 })).toEqual(["b"]);
  });

  it("setFlag() wakes take(), which then has no item", async () => {
    const queue = new PromptQueue({ changed: () => undefined, monotonicMs: () => 0 });
    const waiting = queue.take();
    queue.setFlag("freeMemory");
    expect(await waiting).toBeNull();
    expect([queue.takeFlags().freeMemory, queue.takeFlags().freeMemory]).toEqual([true, false]);
  });
});
