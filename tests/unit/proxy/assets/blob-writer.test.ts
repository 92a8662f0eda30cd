import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createBlobWriter } from "../../../../proxy/assets/blob-writer.ts";
import { streamOf } from "./folder.ts";

const MIB = 1024 * 1024;
const CHUNK = new Uint8Array(MIB).fill(7);

function write(mebibytes: number) {
  return writeBody(streamOf(Array.from({ length: mebibytes }, () => CHUNK)).body);
}

async function writeBody(body: ReadableStream<Uint8Array>, keepBytes = 0) {
  const folder = await mkdtemp(join(tmpdir(), "comfyfleet-writer-"));
  try {
    const writer = await createBlobWriter(await open(join(folder, "blob"), "wx"), {
      maxBytes: 100 * MIB,
      blake3: false,
      keepBytes,
    });
    try {
      return await writer.writeAll(body, { signal: new AbortController().signal, stallTimeoutMs: 5_000 });
    } finally {
      await writer.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Watches what every open file is asked. */
async function spyOnFiles() {
  await using file = await open("/dev/null");
  const files = Object.getPrototypeOf(file) as typeof file;
  return { datasync: vi.spyOn(files, "datasync"), sync: vi.spyOn(files, "sync") };
}

describe("createBlobWriter", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("writeAll() makes a large file durable while it comes in, and every file at its end", async () => {
    const { datasync, sync } = await spyOnFiles();
    expect((await write(1)).sizeBytes).toBe(MIB);
    expect(datasync).not.toHaveBeenCalled();
    expect((await write(40)).sizeBytes).toBe(40 * MIB);
    expect(datasync.mock.calls.length).toBeGreaterThan(0);
    expect(sync).toHaveBeenCalledTimes(2);
  });

  it("writeAll() keeps what came, whatever its source does with the chunks afterwards", async () => {
    const chunk = new Uint8Array(1);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunk[0] = sent;
        controller.enqueue(chunk);
        if (++sent === 5) controller.close();
      },
    }, { highWaterMark: 0 });
    expect((await writeBody(body, 5)).bytes).toEqual(new Uint8Array([0, 1, 2, 3, 4]));
    expect((await writeBody(streamOf([CHUNK.subarray(0, 3)]).body, 5)).bytes).toEqual(new Uint8Array([7, 7, 7]));
    expect((await writeBody(streamOf([CHUNK.subarray(0, 3), CHUNK.subarray(0, 3)]).body, 5)).bytes).toBeNull();
  });

  it("writeAll() fails when the disk failed in between, though the end went well", async () => {
    const { datasync, sync } = await spyOnFiles();
    datasync.mockRejectedValueOnce(new Error("the disk is gone"));
    await expect(write(40)).rejects.toThrow("the disk is gone");
    expect(sync).toHaveBeenCalledTimes(1);
  });
});
