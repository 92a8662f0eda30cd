import { describe, expect, it } from "vitest";
import type { AttemptOutput } from "../../../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../../../contracts/bounds.ts";
import { inlineBytes } from "../../../../proxy/attempts/inline-bytes.ts";
import { sha256 } from "../store/samples.ts";

/** An output of this text, which came along as that one. */
function output(text: string, along: string | undefined = text): AttemptOutput {
  return {
    index: 0,
    nodeId: "1",
    name: "a.txt",
    contentType: "text/plain",
    sizeBytes: text.length,
    sha256: sha256(text),
    temporary: false,
    dataBase64: along === undefined ? undefined : Buffer.from(along).toString("base64"),
  };
}

const textsIn = (outputs: AttemptOutput[]) =>
  [...inlineBytes(outputs)].map(([hash, bytes]) => [hash, new TextDecoder().decode(bytes)]);

describe("inlineBytes()", () => {
  it("gives bytes by their hash, equal ones once, and none where none came", () => {
    const without: AttemptOutput = { ...output("c"), dataBase64: undefined };
    expect(textsIn([output("a"), output(""), output("a"), without])).toEqual([[sha256("a"), "a"], [sha256(""), ""]]);
  });

  it.each([["fewer", "tex"], ["more", "texts"], ["none", ""], ["as many others", "tezt"]])(
    "gives none where %s came than were reported",
    (_, along) => expect(textsIn([output("text", along), output("b")])).toEqual([[sha256("b"), "b"]]),
  );

  it("gives right ones after wrong ones of the same hash", () => {
    expect(textsIn([output("text", "tezt"), output("text")])).toEqual([[sha256("text"), "text"]]);
  });

  it("gives no more together than the contract takes, and counts only what it gives", () => {
    const large = "a".repeat(MAX_INLINE_BYTES);
    expect(textsIn([output(`${large}b`)])).toEqual([]);
    const wrong = output(large, "z".repeat(MAX_INLINE_BYTES));
    expect(textsIn([wrong, output("b"), output(large.slice(1)), output("c")]).map(([, text]) => text?.length))
      .toEqual([1, MAX_INLINE_BYTES - 1]);
  });
});
