import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox } from "../../../../fake-comfy/socket/outbox.ts";

describe("Outbox", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function setUp() {
    const sent: number[] = [];
    const outbox = new Outbox();
    const push = (...numbers: number[]) => {
      for (const number of numbers) outbox.push(() => sent.push(number));
    };
    return { outbox, push, sent };
  }

  it("pause() holds messages until every pause has ended, and keeps their order", () => {
    const { outbox, push, sent } = setUp();
    const [first, second] = [outbox.pause(), outbox.pause()];
    push(1, 2);
    first();
    first();
    expect(sent).toEqual([]);
    second();
    push(3);
    expect(sent).toEqual([1, 2, 3]);
  });

  it("a message that pauses the others when it is sent holds up what waits behind it", () => {
    const { outbox, push, sent } = setUp();
    const end = outbox.pause();
    let resume = () => {};
    outbox.push(() => {
      sent.push(1);
      resume = outbox.pause();
    });
    push(2);
    end();
    expect(sent).toEqual([1]);
    resume();
    expect(sent).toEqual([1, 2]);
  });

  it("repeat() sends each again", () => {
    const { outbox, push, sent } = setUp();
    const end = outbox.repeat(2);
    push(1, 2);
    end();
    push(3);
    expect(sent).toEqual([1, 1, 2, 2, 3]);
  });

  it("reverse() turns each window round", () => {
    const { outbox, push, sent } = setUp();
    const end = outbox.reverse(50);
    push(1, 2, 3);
    vi.advanceTimersByTime(50);
    push(4, 5);
    end();
    expect(sent).toEqual([3, 2, 1, 5, 4]);
  });
});
