import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveVerified } from "../../../client/save.ts";
import type { Output } from "../../../contracts/asset.ts";
import { FleetError } from "../../../contracts/errors.ts";

const BYTES = new TextEncoder().encode("a picture");

function outputNamed(name: string): Output {
  return {
    jobId: "job_01jd8qf2e0f0x8j3m5p7q9s1tv",
    nodeId: "5",
    name,
    type: "image",
    contentType: "image/png",
    sizeBytes: BYTES.byteLength,
    sha256: createHash("sha256").update(BYTES).digest("hex"),
    assetId: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv",
    temporary: false,
  };
}

describe("saveVerified()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "save-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const save = (target: string, open: () => Promise<Response>, name = "a.png") =>
    saveVerified({ open, output: outputNamed(name), target, signal: undefined });
  const whole = () => Promise.resolve(new Response(BYTES));

  it("writes to the path, into a folder by the output's name, and makes folders that are missing", async () => {
    mkdirSync(join(folder, "there"));
    const paths = [
      await save(join(folder, "b.png"), whole),
      await save(join(folder, "there"), whole),
      await save(`${join(folder, "new", "deep")}/`, whole),
    ];
    expect(paths).toEqual([
      join(folder, "b.png"),
      join(folder, "there", "a.png"),
      join(folder, "new", "deep", "a.png"),
    ]);
    for (const path of paths) expect(new Uint8Array(readFileSync(path))).toEqual(BYTES);
  });

  it.each(["../../escape.png", "/etc/escape.png", "..\\escape.png"])(
    "takes only the last part of a pod's name %s",
    async (name) => {
      expect(await save(`${folder}/`, whole, name)).toBe(join(folder, "escape.png"));
    },
  );

  it("leaves nothing, and what was there before, when the bytes are not those of the job", async () => {
    writeFileSync(join(folder, "a.png"), "before");
    const wrong = () => Promise.resolve(new Response("another picture"));
    await expect(save(`${folder}/`, wrong)).rejects.toMatchObject({ code: "hash_mismatch" });
    expect(readdirSync(folder)).toEqual(["a.png"]);
    expect(readFileSync(join(folder, "a.png"), "utf8")).toBe("before");
  });

  it("starts again when the transfer is cut", async () => {
    let tries = 0;
    const cutOnce = () => {
      tries += 1;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(BYTES.subarray(0, 4));
          controller.error(new Error("cut"));
        },
      });
      return tries === 1 ? Promise.resolve(new Response(body)) : whole();
    };
    expect(new Uint8Array(readFileSync(await save(`${folder}/`, cutOnce)))).toEqual(BYTES);
    expect(tries).toBe(2);
    expect(readdirSync(folder)).toEqual(["a.png"]);
  });

  it("does not repeat what the edge refuses", async () => {
    let tries = 0;
    const refused = () => {
      tries += 1;
      return Promise.reject(new FleetError("not_found", "Cannot find it"));
    };
    await expect(save(`${folder}/`, refused)).rejects.toMatchObject({ code: "not_found" });
    expect(tries).toBe(1);
  });

  it("ends with the signal's reason and leaves nothing", async () => {
    const stop = new AbortController();
    const endless = () => {
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(BYTES);
          stop.abort(new Error("enough"));
          controller.error(stop.signal.reason);
        },
      });
      return Promise.resolve(new Response(body));
    };
    const saving = saveVerified({
      open: endless,
      output: outputNamed("a.png"),
      target: `${folder}/`,
      signal: stop.signal,
    });
    await expect(saving).rejects.toThrow("enough");
    expect(readdirSync(folder)).toEqual([]);
  });
});
