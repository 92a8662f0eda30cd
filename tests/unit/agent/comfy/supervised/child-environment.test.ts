import { describe, expect, it } from "vitest";
import { childEnvironment } from "../../../../../agent/comfy/supervised/child-environment.ts";

describe("childEnvironment()", () => {
  it("passes on what ComfyUI needs and nothing else", () => {
    const parent = {
      PATH: "/bin",
      HOME: "/root",
      LANG: undefined,
      LD_LIBRARY_PATH: "/cuda",
      CUDA_VISIBLE_DEVICES: "1",
      NVIDIA_VISIBLE_DEVICES: "all",
      AGENT_SECRET: "secret",
      AWS_SECRET_ACCESS_KEY: "secret",
      HF_TOKEN: "secret",
    };
    expect(childEnvironment(parent, { LD_LIBRARY_PATH: "/mine", TZ: "UTC" })).toEqual({
      PATH: "/bin",
      HOME: "/root",
      LD_LIBRARY_PATH: "/mine",
      CUDA_VISIBLE_DEVICES: "1",
      NVIDIA_VISIBLE_DEVICES: "all",
      PYTHONUNBUFFERED: "1",
      TZ: "UTC",
    });
  });
});
