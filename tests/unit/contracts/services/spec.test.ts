import { describe, expect, it } from "vitest";
import { SubmitJob } from "../../../../contracts/job.ts";
import { compileService, serviceUse, withSeed } from "../../../../contracts/services/compile.ts";
import { findService, requireService } from "../../../../contracts/services/registry.ts";
import { type ServiceSpec, ServiceSpecSchema } from "../../../../contracts/services/spec.ts";

function submit(spec: Record<string, unknown>) {
  return SubmitJob.parse({ spec: { kind: "service", input: { prompt: "x" }, ...spec } });
}

describe("SubmitJob", () => {
  it.each(["fastwan2.2-5b", "fastwan2.2-5b-network-storage", "fastwan2.2-5b-packed"])(
    "takes a service as '%s'",
    (name) => {
      expect(submit({ service: name }).spec).toMatchObject({ kind: "service", service: "fastwan2.2-5b", version: 1 });
    },
  );

  it.each([
    ["infinite-talk-v1", "infinite-talk"],
    ["qwen-image-edit-nunchanku", "qwen-image-edit"],
    ["wan2.2-14b-loras-v1", "wan2.2-14b-loras"],
  ])("says that '%s' stands for the later service %s", (alias, id) => {
    const error = { code: "not_found", message: expect.stringContaining(`'${id}'`) };
    expect(() => submit({ service: alias })).toThrow(expect.objectContaining(error));
    expect(() => submit({ service: id })).toThrow(expect.objectContaining({ code: "not_found" }));
  });

  it.each(["", "sora", "__proto__", "constructor", "toString"])("finds no service called '%s'", (name) => {
    expect(() => submit({ service: name })).toThrow(expect.objectContaining({
      code: "not_found",
      hint: expect.stringContaining("fastwan2.2-5b"),
    }));
    expect(findService(name)).toBeNull();
  });

  it("refuses another version, another field, and an input that the service refuses", () => {
    expect(() => submit({ service: "fastwan2.2-5b", version: 2 }))
      .toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("no version 2") }));
    expect(() => submit({ service: "fastwan2.2-5b", input: undefined }))
      .toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("'prompt'") }));
    expect(submit({ service: "fastwan2.2-5b", version: 1 }).spec).toMatchObject({ version: 1 });
    expect(() => submit({ service: "fastwan2.2-5b", workflow: {} })).toThrow();
    expect(() => submit({ service: "fastwan2.2-5b", input: { prompt: "x", width: 33 } }))
      .toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});

describe("withSeed()", () => {
  const parse = (input: Record<string, unknown>): ServiceSpec =>
    ServiceSpecSchema.parse({ kind: "service", service: "fastwan2.2-5b", input: { prompt: "x", ...input } });

  it("draws a seed only where none was given, 0 being one", () => {
    expect(withSeed(parse({}), () => 5).input.seed).toBe(5);
    expect(withSeed(parse({ seed: 0 }), () => 5).input.seed).toBe(0);
    expect(serviceUse(withSeed(parse({}), () => 5))).toEqual({ id: "fastwan2.2-5b", version: 1, seed: 5 });
  });

  it("must come before a graph is built", () => {
    expect(() => compileService(parse({}))).toThrow(TypeError);
  });
});

describe("requireService()", () => {
  it("returns the id of a name", () => {
    expect(requireService("fastwan2.2-5b-packed")).toBe("fastwan2.2-5b");
  });
});
