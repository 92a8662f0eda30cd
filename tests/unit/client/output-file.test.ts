import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../client/connection.ts";
import { createJobHandle } from "../../../client/job-handle.ts";
import { createOutputFile } from "../../../client/output-file.ts";
import type { Output } from "../../../contracts/asset.ts";
import type { Job } from "../../../contracts/job.ts";

const BYTES = new TextEncoder().encode("a picture\u0000ÿ");
const OUTPUT: Output = {
  jobId: "job_01jd8qf2e0f0x8j3m5p7q9s1tv",
  nodeId: "5",
  name: "a.png",
  type: "image",
  contentType: "image/png",
  sizeBytes: BYTES.byteLength,
  sha256: createHash("sha256").update(BYTES).digest("hex"),
  assetId: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv",
  temporary: false,
};
const ALONG = { ...OUTPUT, dataBase64: Buffer.from(BYTES).toString("base64") };

function setUp() {
  const asked: string[] = [];
  const connection = {
    baseUrl: "http://edge",
    request(path: string) {
      asked.push(path);
      return Promise.resolve(new Response(BYTES));
    },
  } as unknown as Connection;
  return { asked, connection };
}

describe("createOutputFile()", () => {
  it.each([["came along", ALONG, 0], ["did not", OUTPUT, 3]] as const)(
    "gives bytes that %s",
    async (_, output, calls) => {
      const { asked, connection } = setUp();
      const file = createOutputFile(connection, output);
      expect(await file.bytes()).toEqual(BYTES);
      expect(await file.text()).toBe(new TextDecoder().decode(BYTES));
      const chunks: Uint8Array[] = [];
      for await (const chunk of await file.stream()) chunks.push(chunk);
      expect(new Uint8Array(Buffer.concat(chunks))).toEqual(BYTES);
      expect(asked).toHaveLength(calls);
      expect(file.url()).toBe(`http://edge/v1/assets/${OUTPUT.assetId}/content`);
      expect(file).not.toHaveProperty("dataBase64");
    },
  );

  it("saves bytes that came along, against their hash", async () => {
    const folder = mkdtempSync(join(tmpdir(), "output-"));
    const { asked, connection } = setUp();
    const path = await createOutputFile(connection, ALONG).save(`${folder}/`);
    expect(new Uint8Array(readFileSync(path))).toEqual(BYTES);
    expect(asked).toEqual([]);
    const wrong = { ...ALONG, dataBase64: "AAAA" };
    await expect(createOutputFile(connection, wrong).save(`${folder}/`)).rejects.toMatchObject({
      code: "hash_mismatch",
    });
    rmSync(folder, { recursive: true });
  });

  it("gives nobody bytes whose signal is aborted", async () => {
    const { connection } = setUp();
    const reason = new Error("my reason");
    await expect(createOutputFile(connection, ALONG).bytes(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

it("a result has the job without the bytes that came along, and its outputs with them", async () => {
  const { asked, connection } = setUp();
  const job = { id: OUTPUT.jobId, state: "succeeded", outputs: [ALONG], receipt: null } as unknown as Job;
  const result = await createJobHandle(connection, Promise.resolve(job));
  expect(result.job.outputs).toEqual([OUTPUT]);
  expect(await result.outputs[0]?.bytes()).toEqual(BYTES);
  expect(asked).toEqual([]);
});
