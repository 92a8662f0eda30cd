import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLateLines } from "../../../contracts/late-lines.ts";

describe("createLateLines()", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("writes the lines of a moment together, in order, and makes them only then", () => {
    const written: string[] = [];
    const lines = createLateLines((text) => written.push(text));
    const make = vi.fn(() => "b");
    lines.add(() => "a");
    lines.add(make);
    expect([written, make.mock.calls.length]).toEqual([[], 0]);
    vi.runAllTimers();
    lines.add(() => "c");
    vi.runAllTimers();
    expect(written).toEqual(["a\nb", "c"]);
  });

  it("survives a line that cannot be made and a reader that is gone, and goes on", () => {
    const written: string[] = [];
    const lines = createLateLines((text) => {
      written.push(text);
      if (written.length === 1) throw new Error("EPIPE");
    });
    lines.add(() => "a");
    lines.add(() => {
      throw new TypeError("cyclic");
    });
    vi.runAllTimers();
    lines.add(() => "b");
    lines.flush();
    expect(written).toEqual([expect.stringMatching(/^a\n.*cyclic/), "b"]);
  });

  it("flush() writes at once, and nothing twice", () => {
    const written: string[] = [];
    const lines = createLateLines((text) => written.push(text));
    lines.add(() => "a");
    lines.flush();
    lines.flush();
    vi.runAllTimers();
    expect(written).toEqual(["a"]);
  });
});
