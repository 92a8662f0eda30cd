// CreateVideo and SaveVideo, which the services' graphs end with: what a saved clip is in the answer and on disk.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { startTarget, type Target } from "./target.ts";
import { call, filesOf, run, viewBytes, viewPath } from "./wire.ts";

const TIMEOUT_MS = 120_000;

function clip(prefix: string, fps: number) {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 32, batch_size: 5, color: 255 } },
    "2": { class_type: "CreateVideo", inputs: { images: ["1", 0], fps } },
    "3": {
      class_type: "SaveVideo",
      inputs: { video: ["2", 0], filename_prefix: prefix, format: "auto", codec: "auto" },
    },
  };
}

/** The stand-in has these classes only when it plays services. */
async function withServer(target: Target, check: (server: StartedComfy) => Promise<void>): Promise<void> {
  const server = await startTarget({ args: target.kind === "fake" ? ["--services"] : [] });
  try {
    await check(server);
  } finally {
    await server.stop();
  }
}

export function describeVideo(target: Target): void {
  describe("videos", () => {
    it("SaveVideo answers an MP4 under 'images', marked as animated, and numbers the files of a prefix", async () => {
      await withServer(target, async (server) => {
        for (const [index, fps] of [24, 12].entries()) {
          const filename = `clip_0000${index + 1}_.mp4`;
          const job = await run(server, clip("some/clip", fps));
          expect(job).toMatchObject({ status: "completed" });
          expect(job.outputs).toEqual({
            "3": { images: [{ filename, subfolder: "some", type: "output" }], animated: [true] },
          });
          const [file] = filesOf(job, "3");
          if (file === undefined) throw new Error("Cannot compare: nothing was saved");
          const bytes = await viewBytes(server, file);
          expect(Buffer.from(bytes.subarray(4, 8)).toString("latin1")).toBe("ftyp");
          expect(new Uint8Array(await readFile(join(server.baseDir, "output", "some", filename)))).toEqual(bytes);
          const view = await call(server, viewPath(file));
          expect(view.headers.get("content-type")).toBe("video/mp4");
        }
      });
    }, TIMEOUT_MS);
  });
}
