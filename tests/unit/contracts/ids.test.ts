import fc from "fast-check";
import { TypeID, typeid } from "typeid-js";
import { describe, expect, it } from "vitest";
import { fileNameOf, FilePath } from "../../../contracts/asset.ts";
import { AssetId, JobId, typeidOf, uuidOf } from "../../../contracts/ids.ts";

describe("uuidOf() and typeidOf()", () => {
  it("are each other's inverse and agree with the library that mints the ids", () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => {
      const id = typeidOf("job", uuid);
      expect(id).toBe(TypeID.fromUUID("job", uuid).toString());
      expect(id && uuidOf(id)).toBe(uuid);
      expect(typeidOf("asset", uuid.toUpperCase())).toBe(TypeID.fromUUID("asset", uuid).toString());
    }));
    const minted = JobId.parse(typeid("job").toString());
    expect(typeidOf("job", uuidOf(minted))).toBe(minted);
  });

  it.each([
    "",
    "job_01jd8qf2e0f0x8j3m5p7q9s1tv",
    "9f8a1c0d2b3e4f568a7b1c2d3e4f5a6b",
    "9f8a1c0d-2b3e-4f56-8a7b-1c2d3e4f5a6",
    "../x",
  ])(
    "typeidOf() knows that %j is no UUID",
    (text) => expect(typeidOf("job", text)).toBeNull(),
  );

  it("cover the smallest and the largest", () => {
    expect(typeidOf("asset", "00000000-0000-0000-0000-000000000000")).toBe(`asset_${"0".repeat(26)}`);
    const largest = typeidOf("asset", "ffffffff-ffff-ffff-ffff-ffffffffffff");
    expect(AssetId.safeParse(largest).success).toBe(true);
    expect(largest && uuidOf(largest)).toBe("ffffffff-ffff-ffff-ffff-ffffffffffff");
  });
});

describe("FilePath", () => {
  it.each([
    "a.png",
    "masks/a.png",
    "models/checkpoints/x.safetensors",
    "ü/写真.png",
    `${"d/".repeat(384)}${"x".repeat(255)}`,
  ])(
    "takes %j",
    (path) => expect(FilePath.safeParse(path).success).toBe(true),
  );

  it.each([
    "",
    "/a",
    "a/",
    "a//b",
    "../a",
    "a/../b",
    "./a",
    "C:/a",
    "a\\b",
    "a/\u0000",
    "~/a",
    "x".repeat(256),
    "d/".repeat(512) + "x",
  ])(
    "refuses %j",
    (path) => expect(FilePath.safeParse(path).success).toBe(false),
  );

  it("ends in the file's name", () => {
    expect(fileNameOf("a.png")).toBe("a.png");
    expect(fileNameOf("masks/of/a.png")).toBe("a.png");
  });
});
