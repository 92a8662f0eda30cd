import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseInputs, readWorkflow } from "../../../../cli/commands/run.ts";
import { Upload } from "../../../../client/mod.ts";

describe("parseInputs()", () => {
  it.each([
    ["6.text=a cat", "a cat"],
    ["6.text=", ""],
    ["6.text=a=b=c", "a=b=c"],
    ["6.seed=42", 42],
    ["6.strength=0.5", 0.5],
    ["6.on=true", true],
    ["6.none=null", null],
    ['6.text="42"', "42"],
    ['6.link=["1",0]', ["1", 0]],
    ["6.handle=@@someone", "@someone"],
    ["6.text={not json", "{not json"],
  ])("reads %s", (input, value) => {
    expect(Object.values(parseInputs([input]))).toEqual([value]);
  });

  it("keeps the whole target before the first '=', and the last of two values", () => {
    expect(parseInputs(["Load Image.image=x", "6.text=a", "6.text=b"])).toEqual({
      "Load Image.image": "x",
      "6.text": "b",
    });
  });

  it("makes @path an upload with the file's own name", () => {
    const value = parseInputs(["1.image=@some/folder/cat.png"])["1.image"];
    expect(value).toBeInstanceOf(Upload);
    expect(value).toMatchObject({ name: "cat.png" });
  });

  it.each(["6.text", "=x", ""])("refuses %j with an example", (input) => {
    expect(() => parseInputs([input])).toThrow(expect.objectContaining({
      code: "invalid_input",
      hint: expect.stringContaining("--input"),
    }));
  });
});

describe("readWorkflow()", () => {
  it("reads JSON, and says which file is missing or none", () => {
    const folder = mkdtempSync(join(tmpdir(), "run-"));
    try {
      const path = join(folder, "w.json");
      writeFileSync(path, '{"1":{"class_type":"X","inputs":{}}}');
      expect(readWorkflow(path)).toEqual({ "1": { class_type: "X", inputs: {} } });
      writeFileSync(path, "{");
      expect(() => readWorkflow(path)).toThrow(expect.objectContaining({ code: "invalid_json" }));
      expect(() => readWorkflow(join(folder, "none.json"))).toThrow(expect.objectContaining({ code: "invalid_input" }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
