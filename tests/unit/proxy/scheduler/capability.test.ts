import { describe, expect, it } from "vitest";
import { deriveNeeds } from "../../../../proxy/jobs/needs.ts";
import { createCapabilities, isCapable, lackingOf } from "../../../../proxy/scheduler/capability.ts";
import { infoWithout, modelGraph, recordedInfo } from "../jobs/graph-fixtures.ts";

const info = recordedInfo();

describe("lackingOf()", () => {
  it("finds the pod capable that has every class and model", () => {
    expect(isCapable(lackingOf(deriveNeeds(modelGraph("tiny_sd20.safetensors"), [info]), info))).toBe(true);
  });

  it("names classes and model files that are not there", () => {
    const needs = deriveNeeds(modelGraph("big.safetensors"), []);
    expect(lackingOf(needs, infoWithout("KSampler"))).toEqual({
      classes: ["KSampler"],
      models: [{ classType: "UNETLoader", input: "unet_name", name: "big.safetensors" }],
    });
  });

  it("ignores a name that was taken for a model, on a pod where its input is free text", () => {
    const models = [{ classType: "SaveImage", input: "filename_prefix", name: "a.bin" }];
    expect(isCapable(lackingOf({ classes: ["SaveImage"], models }, info))).toBe(true);
  });
});

describe("createCapabilities()", () => {
  const needs = new Map([["key", deriveNeeds(modelGraph("tiny_sd20.safetensors"), [info])]]);

  it("reads a body once for a placement key, and nothing while answering", async () => {
    const reads: string[] = [];
    const capabilities = createCapabilities({
      objectInfo: {
        get: (sha256) => {
          reads.push(sha256);
          return Promise.resolve(sha256 === "unknown" ? null : info);
        },
      },
    });
    expect(capabilities.lookup("key", "body")).toBeNull();
    for (let round = 0; round < 2; round++) await capabilities.prepare(needs, new Set(["body"]));
    await capabilities.prepare(needs, new Set(["unknown"]));
    expect(capabilities.lookup("key", "body")).toEqual({ classes: [], models: [] });
    expect(capabilities.lookup("key", "unknown")).toBeNull();
    expect(reads).toEqual(["body", "unknown"]);
  });

  it("reads a new body before any job asks for it", async () => {
    let reads = 0;
    const get = () => {
      reads += 1;
      return Promise.resolve(info);
    };
    const capabilities = createCapabilities({ objectInfo: { get } });
    for (let round = 0; round < 2; round++) await capabilities.prepare(new Map(), new Set(["body"]));
    expect(reads).toBe(1);
  });

  it("forgets rather than grow past its capacity", async () => {
    const capabilities = createCapabilities({ objectInfo: { get: () => Promise.resolve(info) }, capacity: 2 });
    await capabilities.prepare(needs, new Set(["a", "b", "c"]));
    expect(["a", "b", "c"].map((sha256) => capabilities.lookup("key", sha256) !== null)).toEqual([false, false, true]);
  });
});
