import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";
import { SubmitJob } from "../../../../contracts/job.ts";
import { hashRequest } from "../../../../proxy/jobs/request-hash.ts";
import { canvasGraph } from "./graph-fixtures.ts";

const MIB = 1024 * 1024;

function request(options: Record<string, unknown> = {}, inputs: Record<string, unknown> = {}): SubmitJob {
  return SubmitJob.parse({ spec: { kind: "workflow", workflow: canvasGraph(inputs) }, options });
}

describe("hashRequest()", () => {
  it("is the sha256 of the RFC 8785 form of the request without its key", () => {
    const parsed = request({ idempotencyKey: "k", runWithinMs: 5_000 });
    const { idempotencyKey: _, ...options } = parsed.options;
    const canonical = canonicalize({ spec: parsed.spec, options }) ?? "";
    expect(hashRequest(parsed, MIB)).toBe(createHash("sha256").update(canonical).digest("hex"));
  });

  it("is one for a default that is written and one that is left out", () => {
    expect(hashRequest(request({ priority: "normal" }), MIB)).toBe(hashRequest(request(), MIB));
    expect(hashRequest(request({ priority: "batch" }), MIB)).not.toBe(hashRequest(request(), MIB));
  });

  it("refuses a workflow over the limit, counted in UTF-8 bytes", () => {
    const text = "ü".repeat(600);
    const sizeBytes = new TextEncoder().encode(canonicalize(canvasGraph({ color: text }))).byteLength;
    expect(() => hashRequest(request({}, { color: text }), sizeBytes)).not.toThrow();
    expect(() => hashRequest(request({}, { color: text }), sizeBytes - 1)).toThrow(
      expect.objectContaining({ code: "payload_too_large", details: { sizeBytes, maxBytes: sizeBytes - 1 } }),
    );
  });
});
