/** How long the disk takes to make 4 KiB durable: every durable step of a job costs at least this once. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Measurement } from "./measurement.ts";
import { median } from "./statistics.ts";

const BLOCK = new Uint8Array(4096);
const ROUNDS = 100;

/** The baseline is the same write without the fsync. Where the fleets of the benchmark have their folders. */
export async function benchDisk(): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "comfyfleet-disk-"));
  const file = await open(join(folder, "blocks"), "a");
  const synced: number[] = [];
  const written: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedMs = performance.now();
      await file.write(BLOCK);
      written.push(performance.now() - startedMs);
      await file.sync();
      synced.push(performance.now() - startedMs);
    }
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
  return { bench: "disk", metric: "fsync_p50", value: median(synced), unit: "ms", baseline: median(written) };
}
