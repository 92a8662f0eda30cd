// What output nodes answer and write: keys, names, counters, folders, bytes on disk.
import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freshColor, imageGraph, textGraph } from "./graphs.ts";
import type { Target } from "./target.ts";
import { filesOf, run, upload, viewBytes } from "./wire.ts";

export function describeOutputs(target: Target): void {
  const namesOf = async (prefix: string, batch?: number) => {
    const job = await run(target.server(), imageGraph({ prefix, ...(batch ? { batch } : {}) }));
    return filesOf(job, "2").map(({ subfolder, filename }) => `${subfolder}/${filename}`);
  };

  describe("outputs", () => {
    it("SaveImage numbers the files of a prefix and goes on where it stopped", async () => {
      const folder = crypto.randomUUID();
      expect(await namesOf(`${folder}/a`, 2)).toEqual([`${folder}/a_00001_.png`, `${folder}/a_00002_.png`]);
      expect(await namesOf(`${folder}/a`)).toEqual([`${folder}/a_00003_.png`]);
      expect(await namesOf(`${folder}/b/c`)).toEqual([`${folder}/b/c_00001_.png`]);
      expect(await namesOf(`${folder}/size-%width%x%height%`)).toEqual([`${folder}/size-8x8_00001_.png`]);
    });

    it("a rerun names a file that is gone, and another job may write under that name", async () => {
      const [folder, color] = [crypto.randomUUID(), freshColor()];
      const graph = imageGraph({ prefix: `${folder}/a`, color });
      const path = join(target.server().baseDir, "output", folder, "a_00001_.png");
      expect(filesOf(await run(target.server(), graph), "2")).toMatchObject([{ filename: "a_00001_.png" }]);
      await rm(path);
      expect(filesOf(await run(target.server(), graph), "2")).toMatchObject([{ filename: "a_00001_.png" }]);
      await expect(access(path)).rejects.toThrow("ENOENT");
      expect(await namesOf(`${folder}/a`)).toEqual([`${folder}/a_00001_.png`]);
    });

    it("SaveImage writes into the output folder what /view gives", async () => {
      const job = await run(target.server(), imageGraph({ prefix: `disk/${crypto.randomUUID()}` }));
      const [file] = filesOf(job, "2");
      if (file === undefined) throw new Error("Cannot compare: nothing was saved");
      const bytes = await readFile(join(target.server().baseDir, "output", file.subfolder, file.filename));
      expect(new Uint8Array(bytes)).toEqual(await viewBytes(target.server(), file));
    });

    it("PreviewImage writes into the temp folder, under a name of its own", async () => {
      const graph = imageGraph();
      const job = await run(target.server(), {
        "1": graph["1"],
        "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
      });
      expect(job.outputs).toEqual({
        "2": {
          images: [{
            filename: expect.stringMatching(/^ComfyUI_temp_[a-z]{5}_0000\d_\.png$/),
            subfolder: "",
            type: "temp",
          }],
        },
      });
    });

    it("PreviewAny answers text, SaveText answers text and a file", async () => {
      const prefix = `text/${crypto.randomUUID()}`;
      const job = await run(target.server(), textGraph({ first: "grüße", second: "wörld\n2", prefix }));
      const filename = `${prefix.slice("text/".length)}_00001.txt`;
      expect(job.outputs).toEqual({
        "4": { text: ["grüße wörld\n2"] },
        "5": { text: ["grüße wörld\n2"], files: [{ filename, subfolder: "text", type: "output" }] },
      });
      expect(await readFile(join(target.server().baseDir, "output", "text", filename), "utf8")).toBe("grüße wörld\n2");
    });

    it("PreviewAny shows numbers, texts and truth values as Python does", async () => {
      const job = await run(target.server(), {
        "1": { class_type: "PreviewAny", inputs: { source: 12.5 } },
        "2": { class_type: "PreviewAny", inputs: { source: "plain" } },
        "3": { class_type: "PreviewAny", inputs: { source: true } },
      });
      expect(job.outputs).toEqual({ "1": { text: ["12.5"] }, "2": { text: ["plain"] }, "3": { text: ["True"] } });
    });

    it("a job with an output that fails keeps what was finished before", async () => {
      const graph = imageGraph({ prefix: `kept/${crypto.randomUUID()}` });
      const job = await run(target.server(), {
        ...graph,
        "3": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
        "4": { class_type: "ImageInvert", inputs: { image: ["3", 0] } },
        "5": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "../../outside" } },
      });
      expect(job.status).toBe("failed");
      expect(Object.keys(job.outputs ?? {})).toEqual(["2"]);
    });

    it("LoadImage that cannot read its file fails when it runs", async () => {
      const name = `${crypto.randomUUID()}.png`;
      await upload(target.server(), { name, bytes: "this is no picture" });
      const job = await run(target.server(), {
        "1": { class_type: "LoadImage", inputs: { image: name } },
        "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "unread" } },
      });
      expect(job).toMatchObject({ status: "failed", execution_error: { node_id: "1", node_type: "LoadImage" } });
    });
  });
}
