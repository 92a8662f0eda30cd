import { describe, expect, it } from "vitest";
import { ProgressTable, ProgressThrottle } from "../../../../fake-comfy/execution/progress.ts";

describe("ProgressThrottle", () => {
  it("admits() the first and last tick, and others after 100 ms and half a percent", () => {
    let nowMs = 1000;
    const throttle = new ProgressThrottle(1000, () => nowMs);
    expect(throttle.admits(1, false)).toBe(true);
    nowMs += 99;
    expect(throttle.admits(500, false)).toBe(false);
    nowMs += 1;
    expect(throttle.admits(5, false)).toBe(false);
    expect(throttle.admits(6, false)).toBe(true);
    expect(throttle.admits(1000, false)).toBe(true);
  });

  it("admits() every tick with a preview", () => {
    const throttle = new ProgressThrottle(1000, () => 0);
    expect([1, 2, 3].map((value) => throttle.admits(value, true))).toEqual([true, true, true]);
  });
});

describe("ProgressTable", () => {
  it("message() shows all nodes that have started, finished ones at their maximum", () => {
    const table = new ProgressTable("p");
    table.start("1");
    table.update("1", 3, 10);
    table.finish("1");
    table.start("2");
    expect(table.message()).toMatchObject({
      prompt_id: "p",
      nodes: { "1": { value: 10, max: 10, state: "finished" }, "2": { value: 0, max: 1, state: "running" } },
    });
  });
});
