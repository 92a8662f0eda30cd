import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Output } from "../../../../contracts/asset.ts";
import { MAX_INLINE_BYTES } from "../../../../contracts/bounds.ts";
import type { Job } from "../../../../contracts/job.ts";
import { type Scope, TENANT_SCOPES } from "../../../../contracts/tenant.ts";
import { withInlineOutputs } from "../../../../proxy/jobs/inline-outputs.ts";
import { createMemoryBlobs } from "../../../support/memory-blobs.ts";
import { jobId, tenantId } from "./ids.ts";

function setUp(sizes: readonly number[], state: Job["state"] = "succeeded") {
  const blobs = createMemoryBlobs();
  const outputs: Output[] = [];
  for (const [index, sizeBytes] of sizes.entries()) {
    const bytes = new Uint8Array(sizeBytes).fill(index + 1);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    blobs.blobs.set(`${tenantId(1)} ${sha256}`, bytes);
    const described = {
      nodeId: "9",
      name: `${index}.png`,
      type: "image",
      contentType: "image/png",
      temporary: false,
    } as const;
    outputs.push({
      jobId: jobId(1),
      sizeBytes,
      sha256,
      assetId: `asset_0000000000000000000000000${index}`,
      ...described,
    });
  }
  // What is not looked at may be missing.
  const job = { id: jobId(1), state, outputs } as unknown as Job;
  const give = (maxBytes: number, scopes: readonly Scope[] = TENANT_SCOPES) =>
    withInlineOutputs(job, {
      caller: { keyId: "key_00000000000000000000000001", tenantId: tenantId(1), scopes },
      blobs,
      maxBytes,
    });
  return { job, blobs, give };
}

const sizesIn = ({ outputs }: Job) =>
  outputs.map(({ dataBase64 }) => dataBase64 === undefined ? null : Buffer.from(dataBase64, "base64").byteLength);

describe("withInlineOutputs()", () => {
  it("brings the bytes of outputs, as many as fit", async () => {
    const { job, give } = setUp([3, 0, 5, 2]);
    const told = await give(6);
    expect(sizesIn(told)).toEqual([3, 0, null, 2]);
    expect(told.outputs[0]?.dataBase64).toBe("AQEB");
    expect(sizesIn(job)).toEqual([null, null, null, null]);
    expect(sizesIn(await give(MAX_INLINE_BYTES))).toEqual([3, 0, 5, 2]);
  });

  it("looks at eight outputs, however small they are", async () => {
    const { give } = setUp(Array.from({ length: 10 }, () => 1));
    expect(sizesIn(await give(100)).filter((size) => size !== null)).toHaveLength(8);
  });

  it("brings nothing that was not asked for, of no other state, and to nobody who may not read assets", async () => {
    const { job, give } = setUp([3]);
    expect(await give(0)).toBe(job);
    expect(await give(100, ["jobs:read"])).toBe(job);
    const failed = setUp([3], "failed");
    expect(await failed.give(100)).toBe(failed.job);
  });

  it("leaves out bytes that are gone, or that the disk does not give", async () => {
    const { blobs, give } = setUp([3, 4]);
    blobs.blobs.delete([...blobs.blobs.keys()][0] ?? "");
    expect(sizesIn(await give(100))).toEqual([null, 4]);
    blobs.read = () => Promise.reject(new Error("EIO"));
    expect(sizesIn(await give(100))).toEqual([null, null]);
  });
});
