import { describe, expect, it } from "vitest";
import { createLogSplitter, MAX_LINE_CHARS } from "../../../../../agent/comfy/log/log-lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function split(...pieces: string[]): string[] {
  const splitter = createLogSplitter();
  return [...pieces.flatMap((piece) => splitter.push(bytes(piece))), ...splitter.flush()]
    .map((line) => `${line.transient ? "~" : ""}${line.text}`);
}

describe("createLogSplitter()", () => {
  it("strips ComfyUI's colours and leaves blank lines out", () => {
    expect(split("\u001b[32m[INFO]\u001b[0m Starting server\n\n  \n\u001b[1m\u001b[31mred\u001b[0m\n"))
      .toEqual(["[INFO] Starting server", "red"]);
  });

  it("splits progress bars at carriage returns and marks them", () => {
    expect(split("\r  0%|  | 0/8\r 50%|# | 4/8\r100%|##| 8/8\ndone\n"))
      .toEqual(["~  0%|  | 0/8", "~ 50%|# | 4/8", "100%|##| 8/8", "done"]);
  });

  it("gives the same lines however the bytes are cut", () => {
    const text = "one\r\ntwo ü🎉\rthree\n\u001b[32mfour\u001b[0m\r\n\rfive";
    const whole = split(text);
    expect(whole).toEqual(["one", "~two ü🎉", "three", "four", "five"]);
    const all = bytes(text);
    for (let at = 1; at < all.length; at++) {
      const splitter = createLogSplitter();
      const lines = [
        ...splitter.push(all.subarray(0, at)),
        ...splitter.push(all.subarray(at)),
        ...splitter.flush(),
      ];
      expect(lines.map((line) => `${line.transient ? "~" : ""}${line.text}`), `cut at ${at}`).toEqual(whole);
    }
  });

  it("cuts a line that never ends", () => {
    const lines = split("x".repeat(MAX_LINE_CHARS * 2 + 5));
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE_CHARS, MAX_LINE_CHARS, 5]);
  });

  it("marks the later pieces of a cut line, and nothing else", () => {
    const splitter = createLogSplitter();
    const lines = splitter.push(bytes(`${"x".repeat(MAX_LINE_CHARS + 5)}`));
    lines.push(...splitter.push(bytes("yy\nnext\n")));
    expect(lines.map((line) => [line.text.length, line.isRest])).toEqual([
      [MAX_LINE_CHARS, undefined],
      [7, true],
      [4, undefined],
    ]);
  });
});
