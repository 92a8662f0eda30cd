import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkFolder, saveOutputs } from "../../../cli/files/save-outputs.ts";
import type { JobResult } from "../../../client/mod.ts";
import { FleetError } from "../../../contracts/errors.ts";

const JOB = "job_01jd8qf2e0f0x8j3m5p7q9s1tv";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "comfyfleet-save-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A result with one output that `save` keeps. */
function resultWith(save: (path: string, signal?: AbortSignal) => Promise<string>): JobResult {
  const output = { name: "a.png", sha256: "00", sizeBytes: 3, contentType: "image/png", save };
  return { job: { id: JOB }, outputs: [output], previews: [], receipt: null } as unknown as JobResult;
}

async function write(path: string): Promise<string> {
  writeFileSync(path, "abc");
  return path;
}

const options = (out: string, signal = new AbortController().signal) => ({ out, signal, command: "comfyfleet" });

describe("saveOutputs()", () => {
  it("saves into a new folder, and beside what is there", async () => {
    const out = join(folder, "new", "out");
    for (const name of ["a.png", "a-2.png"]) {
      const path = join(out, name);
      expect(await saveOutputs(resultWith(write), options(out))).toEqual([
        { path, sha256: "00", sizeBytes: 3, contentType: "image/png" },
      ]);
      expect(readFileSync(path, "utf8")).toBe("abc");
    }
  });

  it.each(["/proc/nothing", "/proc/nothing/below"])(
    "names %s, in which nothing can be made, and the job",
    async (out) => {
      await expect(saveOutputs(resultWith(write), options(out))).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(`Cannot save '${out}'`),
        hint: expect.stringContaining(`comfyfleet jobs get ${JOB}`),
        details: { jobId: JOB },
      });
    },
  );

  it("says what the file system refused, also where a download was blamed for it", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const cut = new FleetError("edge_unreachable", "Cannot download a.png: the transfer was cut", { cause: full });
    await expect(saveOutputs(resultWith(() => Promise.reject(cut)), options(folder))).rejects.toMatchObject({
      code: "invalid_input",
      message: `Cannot save '${join(folder, "a.png")}': ENOSPC: no space left on device, write`,
    });
    const taken = resultWith(async (path) => {
      mkdirSync(path);
      return write(path);
    });
    await expect(saveOutputs(taken, options(folder))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("EISDIR"),
    });
  });

  it("keeps what the edge or the network refused as it is", async () => {
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    const cut = new FleetError("edge_unreachable", "Cannot download a.png: the transfer was cut", { cause: reset });
    await expect(saveOutputs(resultWith(() => Promise.reject(cut)), options(folder))).rejects.toBe(cut);
  });

  it("ends at once when interrupted, with where the outputs are", async () => {
    const interrupt = new AbortController();
    const saving = saveOutputs(
      resultWith((_path, signal) =>
        new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
      ),
      options(folder, interrupt.signal),
    );
    interrupt.abort();
    await expect(saving).rejects.toMatchObject({ code: "canceled", hint: expect.stringContaining(JOB) });
  });
});

describe("checkFolder()", () => {
  it("accepts a folder that is there or can be made, and makes nothing", () => {
    checkFolder(folder);
    checkFolder(join(folder, "a", "b"));
    expect(() => readFileSync(join(folder, "a"))).toThrow("ENOENT");
  });

  it("refuses a file and what is below one", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const out of [file, join(file, "below")]) {
      expect(() => checkFolder(out)).toThrow(expect.objectContaining({ code: "invalid_input" }));
    }
  });
});
