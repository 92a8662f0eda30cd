/** What `demo --json` promises: its last line, and the picture on disk that the line describes. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { differenceFromRecording } from "../real-comfy/compare-pictures.ts";
import { type CliResult, jsonLines } from "./cli.ts";

const Duration = z.number().min(0);
const Last = z.strictObject({
  jobId: z.string().regex(/^job_/),
  state: z.literal("succeeded"),
  outputs: z.array(z.strictObject({
    path: z.string(),
    sha256: z.string(),
    sizeBytes: z.number(),
    contentType: z.string(),
  })).length(1),
  timing: z.strictObject({
    ...{ queueMs: Duration, assignMs: Duration, executeMs: Duration },
    modelLoadMs: Duration.nullable(),
    ...{ collectMs: Duration, storeMs: Duration, totalMs: Duration },
  }),
});

/**
 * Checks the end of a demo in `cwd` and its file.
 * @returns how far the picture is from the recorded one: the mean per channel, in 255ths
 */
export async function demoPictureDifference(result: CliResult, cwd: string): Promise<number> {
  expect(result.code, result.stderr).toBe(0);
  const { outputs: [output] } = Last.parse(jsonLines(result).at(-1));
  expect(dirname(output?.path ?? "")).toBe(join(cwd, "comfyfleet-out"));
  const bytes = readFileSync(output?.path ?? "");
  expect(output).toMatchObject({
    sha256: createHash("sha256").update(bytes).digest("hex"),
    sizeBytes: bytes.byteLength,
    contentType: "image/png",
  });
  return await differenceFromRecording(bytes, "workflow-postcard-0.png");
}
