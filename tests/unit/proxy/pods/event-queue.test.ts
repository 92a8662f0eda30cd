import { describe, expect, it } from "vitest";
import { createEventQueue as createQueue, type EventQueueLimits } from "../../../../proxy/pods/event-queue.ts";

const picture = (text: string) => ({ type: "preview", dataBase64: text });
const progress = (value: number) => ({ type: "progress", progress: { value } });

function createEventQueue(limits: EventQueueLimits) {
  const { push, shift } = createQueue(limits);
  return { push: (value: unknown) => push(value, JSON.stringify(value).length), shift };
}

function drain(queue: ReturnType<typeof createEventQueue>): unknown[] {
  const values: unknown[] = [];
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) values.push(value);
  return values;
}

describe("createEventQueue()", () => {
  it("shift() gives in order what push() took", () => {
    const queue = createEventQueue({ maxEvents: 10, maxChars: 1_000 });
    for (const value of [1, 2, 3]) expect(queue.push(progress(value))).toBe(true);
    expect(drain(queue)).toEqual([1, 2, 3].map(progress));
  });

  it("push() drops the oldest pictures, and nothing else, once there are too many bytes", () => {
    const queue = createEventQueue({ maxEvents: 10, maxChars: 300 });
    queue.push(progress(1));
    for (const letter of "abcdef") expect(queue.push(picture(letter.repeat(60)))).toBe(true);
    queue.push(progress(2));
    expect(drain(queue)).toEqual(
      [progress(1), picture("f".repeat(60)), progress(2)].toSpliced(1, 0, picture("e".repeat(60))),
    );
  });

  it("push() drops a picture for an event when there are too many of them", () => {
    const queue = createEventQueue({ maxEvents: 2, maxChars: 1_000 });
    queue.push(picture("a"));
    queue.push(progress(1));
    expect(queue.push(progress(2))).toBe(true);
    expect(drain(queue)).toEqual([progress(1), progress(2)]);
  });

  it("push() refuses what has no room even without pictures, and keeps the rest", () => {
    const queue = createEventQueue({ maxEvents: 10, maxChars: 100 });
    queue.push(progress(1));
    expect(queue.push({ type: "report", text: "x".repeat(100) })).toBe(false);
    expect(drain(queue)).toEqual([progress(1)]);
    expect(queue.push(progress(2))).toBe(true);
  });
});
