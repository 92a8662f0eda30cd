import { describe, expect, it } from "vitest";
import { parseLabels } from "../../../cli/labels.ts";

describe("parseLabels()", () => {
  it("takes everything behind the first '=' as the value", () => {
    expect(parseLabels(["project=spring", "formula=a=b", "empty="]))
      .toEqual({ project: "spring", formula: "a=b", empty: "" });
  });

  it.each([[["project"]], [["=x"]], [["a=1", "a=2"]]])("refuses %j", (labels) => {
    expect(() => parseLabels(labels)).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.any(String) }),
    );
  });
});
