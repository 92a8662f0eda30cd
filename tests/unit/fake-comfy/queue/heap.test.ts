import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heapify, heapPop, heapPush } from "../../../../fake-comfy/queue/heap.ts";

const less = (left: number, right: number) => left < right;

describe("heapPop()", () => {
  it("heapPop() returns what was pushed in order", () => {
    fc.assert(fc.property(fc.array(fc.integer()), (numbers) => {
      const heap: number[] = [];
      for (const number of numbers) heapPush(heap, number, less);
      const popped = numbers.map(() => heapPop(heap, less));
      expect(popped).toEqual([...numbers].sort((one, other) => one - other));
    }));
  });

  it("heapPop() loses the item when a comparison throws", () => {
    const heap = [1, 2, 3];
    expect(() =>
      heapPop(heap, () => {
        throw new Error("no order");
      })
    ).toThrow("no order");
    expect(heap).toHaveLength(2);
  });
});

describe("heapPush()", () => {
  it("heapPush() keeps the item when a comparison throws", () => {
    const heap = [1];
    expect(() =>
      heapPush(heap, 2, () => {
        throw new Error("no order");
      })
    ).toThrow("no order");
    expect(heap).toEqual([1, 2]);
  });
});

describe("heapify()", () => {
  it("heapify() puts the least item first", () => {
    const heap = [5, 4, 3, 2, 1];
    heapify(heap, less);
    expect(heap).toEqual([1, 2, 3, 5, 4]);
  });
});
