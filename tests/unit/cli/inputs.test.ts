import { describe, expect, it } from "vitest";
import { parseInputs } from "../../../cli/inputs.ts";
import { parseServiceInputs } from "../../../cli/service-inputs.ts";
import { Upload } from "../../../client/mod.ts";

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

describe("parseServiceInputs()", () => {
  it("takes texts as they are, and everything else as JSON or a file", () => {
    const inputs = ["prompt=7", "negativePrompt=@someone", "width=64", "fps=12.5", "image=@some/leaf.png"];
    expect(parseServiceInputs("fastwan2.2-5b", inputs)).toEqual({
      prompt: "7",
      negativePrompt: "@someone",
      width: 64,
      fps: 12.5,
      image: expect.objectContaining({ name: "leaf.png" }),
    });
    expect(parseServiceInputs("fastwan2.2-5b", ["prompt=@@x"])).toEqual({ prompt: "@x" });
  });

  it("refuses what is no NAME=VALUE with an example of a service", () => {
    expect(() => parseServiceInputs("fastwan2.2-5b", ["prompt"])).toThrow(expect.objectContaining({
      message: expect.stringContaining("expected NAME=VALUE"),
      hint: expect.stringContaining("prompt="),
    }));
  });
});
