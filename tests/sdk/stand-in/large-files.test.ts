/** Files of more than the edge could hold at once go through it as they come. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDGE_RUNTIMES } from "../../support/fleet/fleet.ts";
import { watchPeakMemory } from "../../support/fleet/peak-memory.ts";
import { type Stage, startStage } from "../../support/sdk/stage.ts";

const MIB = 1024 * 1024;
const SIZE_BYTES = 400 * MIB;
const CHUNK_BYTES = MIB;
/** Far from the file, and from the 60 to 130 MB that a runtime has not yet cleared away. */
const MAX_GROWTH_BYTES = 240 * MIB;

async function writeNoise(path: string): Promise<void> {
  const key = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES / 16));
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; at < CHUNK_BYTES; at += key.length) chunk.set(key, at);
  await pipeline(
    Readable.from((function* chunks() {
      for (let written = 0; written < SIZE_BYTES; written += CHUNK_BYTES) {
        chunk.writeUInt32BE(written, 0);
        yield Buffer.from(chunk);
      }
    })()),
    createWriteStream(path),
  );
}

async function sha256Of(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

describe.each(EDGE_RUNTIMES)("large files of the official SDK on an edge on %s", (runtime) => {
  let stage: Stage;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "comfyfleet-large-"));
    stage = await startStage({ runtime });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("400 MiB up and down again, in bounded memory", { timeout: 180_000 }, async () => {
    const path = join(folder, "large.bin");
    await writeNoise(path);
    const sdk = stage.sdk({ timeoutMs: 150_000 });
    // The first bytes through an edge cost what every later one uses too.
    await sdk.assets.fromBytes(crypto.getRandomValues(new Uint8Array(1_000))).commit();
    const memory = watchPeakMemory(stage.fleet.edge.pid);
    const asset = sdk.assets.fromFile(path);
    const id = await asset.commit();
    expect(asset.createdNew).toBe(true);
    const response = await stage.low().getAssetContent(id);
    expect(Number(response.headers.get("content-length"))).toBe(SIZE_BYTES);
    if (!response.body) throw new Error("there is no body");
    expect(await sha256Of(response.body)).toBe(await sha256Of(createReadStream(path)));
    const part = await stage.low().getAssetContent(id, { range: [SIZE_BYTES - 10, SIZE_BYTES - 1] });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    const grownBytes = memory.grownBytes();
    console.log(`${runtime}: the edge's memory grew by ${Math.round(grownBytes / MIB)} MiB`);
    expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);
  });
});
