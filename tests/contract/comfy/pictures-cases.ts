// The pictures of all executed nodes: pixel for pixel those recorded from the real server; ColorTransfer within
// 2/255 in the mean, ImageBlur within 1/255 at every pixel.
import { readFile } from "node:fs/promises";
import { decode } from "fast-png";
import { beforeAll, describe, expect, it } from "vitest";
import { readRecorded, RECORDED } from "../../support/real-comfy/recordings.ts";
import { postcardPicture, sourcePictures } from "../../support/real-comfy/source-pictures.ts";
import type { Target } from "./target.ts";
import { filesOf, run, upload, viewBytes } from "./wire.ts";

const { recordings } = await readRecorded("manifest.json");

export function describePictures(target: Target): void {
  describe("pictures", () => {
    beforeAll(async () => {
      const pictures = sourcePictures();
      const gradient = pictures.get("gradient.png") ?? new Uint8Array();
      for (
        const [name, bytes] of [...pictures, ["postcard.png", postcardPicture()], ["picture.png", gradient]] as const
      ) {
        await upload(target.server(), { name, bytes, fields: { overwrite: "true" } });
      }
    });

    it.each(recordings)("$name has the recorded pixels", async ({ graph, outputs, tolerance, most }) => {
      const job = await run(target.server(), graph);
      expect(job.status).toBe("completed");
      const nodes = [...new Set(outputs.map(({ node }) => node))];
      expect(Object.keys(job.outputs ?? {})).toEqual(nodes);
      for (const node of nodes) {
        const files = filesOf(job, node);
        const expected = outputs.filter((output) => output.node === node);
        expect(files.map(({ type }) => type)).toEqual(expected.map(({ type }) => type));
        for (const [index, file] of files.entries()) {
          const recorded = decode(await readFile(new URL(expected[index]?.file ?? "", RECORDED)));
          const made = decode(await viewBytes(target.server(), file));
          const { width, height, channels, depth } = made;
          expect({ width, height, channels, depth }).toEqual({
            width: recorded.width,
            height: recorded.height,
            channels: recorded.channels,
            depth: recorded.depth,
          });
          const { mean, largest } = difference(made.data, recorded.data);
          expect(mean).toBeLessThanOrEqual(tolerance);
          expect(largest).toBeLessThanOrEqual(most ?? 255);
        }
      }
    });
  });
}

/** Absolute difference of two pictures of one size, in 255ths: the mean, and that of the pixel that is furthest off. */
function difference(made: ArrayLike<number>, recorded: ArrayLike<number>): { mean: number; largest: number } {
  let sum = 0;
  let largest = 0;
  for (let i = 0; i < recorded.length; i += 1) {
    const off = Math.abs((made[i] ?? 0) - (recorded[i] ?? 0));
    sum += off;
    largest = Math.max(largest, off);
  }
  return { mean: sum / recorded.length, largest };
}
