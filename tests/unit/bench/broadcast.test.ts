import { describe, expect, it } from "vitest";
import { Broadcast } from "../../bench/edge/broadcast.ts";

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

describe("Broadcast", () => {
  it("follow() gives the first, everything sent since the call, and the end", async () => {
    const numbers = new Broadcast<number>();
    numbers.send(1);
    const signal = new AbortController().signal;
    const early = numbers.follow(0, signal);
    numbers.send(2);
    const late = all(numbers.follow(0, signal));
    numbers.send(3);
    await Promise.resolve();
    numbers.send(4);
    numbers.end();
    expect(await all(early)).toEqual([0, 2, 3, 4]);
    expect(await late).toEqual([0, 3, 4]);
  });

  it("follow() ends with its signal", async () => {
    const numbers = new Broadcast<number>();
    const stop = new AbortController();
    const seen = all(numbers.follow(0, stop.signal));
    setTimeout(() => stop.abort(), 5);
    expect(await seen).toEqual([0]);
  });
});
