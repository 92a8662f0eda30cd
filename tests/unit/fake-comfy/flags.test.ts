import { describe, expect, it } from "vitest";
import { parseFlags } from "../../../fake-comfy/flags.ts";

describe("parseFlags()", () => {
  it("parseFlags() reads every arity", () => {
    const { values } = parseFlags([
      ...["--listen", "--port=0", "--cpu", "--verbose", "INFO", "--cache-ram", "2", "4"],
      ...["--extra-model-paths-config", "a.yaml", "b.yaml"],
    ]);
    expect(values.get("listen")).toEqual([]);
    expect(values.get("port")).toEqual(["0"]);
    expect(values.get("verbose")).toEqual(["INFO"]);
    expect(values.get("cache-ram")).toEqual(["2", "4"]);
    expect(values.get("extra-model-paths-config")).toEqual(["a.yaml", "b.yaml"]);
  });

  it("parseFlags() collects every --fault", () => {
    expect(parseFlags(["--fault", "hang", "--fault", "crash=run"]).faults).toEqual(["hang", "crash=run"]);
  });

  it.each([
    [["--nope"], "unrecognized arguments: --nope"],
    [["stray"], "unrecognized arguments: stray"],
    [["--port"], "argument --port: expected one argument"],
    [["--port", "x"], "argument --port: invalid int value: 'x'"],
    [["--max-upload-size", "big"], "invalid float value: 'big'"],
    [["--preview-method", "best"], "invalid choice: 'best'"],
    [["--cpu=1"], "ignored explicit argument '1'"],
    [["--cpu", "--lowvram"], "not allowed with argument"],
  ])("parseFlags(%j) throws", (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(message);
  });
});
