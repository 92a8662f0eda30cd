import { describe, expect, it } from "vitest";
import { checkExtraArguments, comfyArguments } from "../../../../../agent/comfy/supervised/comfy-arguments.ts";

const DIRECTORIES = {
  input: "/s/input",
  output: "/s/output",
  user: "/s/user",
  frontEnd: "/s/front-end",
  tempRoot: "/s/temp",
  logFile: "/s/comfyui.log",
};

describe("comfyArguments()", () => {
  it("binds to loopback, keeps everything private and puts the operator's flags last", () => {
    const args = comfyArguments({
      port: 8188,
      directories: DIRECTORIES,
      tempDirectory: "/s/temp/nonce",
      partnerNodes: false,
      extra: ["--cpu"],
    });
    expect(args.join(" ")).toBe(
      "--listen 127.0.0.1 --port 8188 --input-directory /s/input --output-directory /s/output " +
        "--temp-directory /s/temp/nonce --user-directory /s/user --database-url sqlite:///:memory: " +
        "--front-end-root /s/front-end --disable-api-nodes --disable-metadata --preview-method none --cpu",
    );
  });

  it("leaves the partner nodes in where they are asked for", () => {
    const given = { port: 8188, directories: DIRECTORIES, tempDirectory: "/s/temp/nonce", extra: [] };
    const flag = "--disable-api-nodes";
    expect(comfyArguments({ ...given, partnerNodes: true })).not.toContain(flag);
    expect(comfyArguments({ ...given, partnerNodes: false })).toContain(flag);
  });
});

describe("checkExtraArguments()", () => {
  it("refuses flags that would open ComfyUI or move its directories, in both spellings", () => {
    for (const args of [["--listen", "0.0.0.0"], ["--listen=0.0.0.0"], ["--cpu", "--temp-directory", "/t"]]) {
      expect(() => checkExtraArguments(args), args.join(" ")).toThrow(/^Cannot start ComfyUI with --/);
    }
    expect(() => checkExtraArguments(["--cpu", "--lowvram", "--preview-method", "auto"])).not.toThrow();
  });
});
