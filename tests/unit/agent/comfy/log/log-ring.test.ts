import { describe, expect, it } from "vitest";
import { createLogRing } from "../../../../../agent/comfy/log/log-ring.ts";

describe("createLogRing()", () => {
  it("keeps the last lines", () => {
    const ring = createLogRing(3);
    for (const text of ["a", "b", "c", "d"]) ring.add({ text, transient: false });
    expect([ring.last(10), ring.last(2)]).toEqual([["b", "c", "d"], ["c", "d"]]);
  });

  it("keeps one line of a progress bar", () => {
    const ring = createLogRing(10);
    ring.add({ text: "before", transient: false });
    for (let step = 0; step < 100; step++) ring.add({ text: `${step}%`, transient: true });
    ring.add({ text: "100%", transient: false });
    ring.add({ text: "after", transient: false });
    expect(ring.last(10)).toEqual(["before", "100%", "after"]);
  });
});
