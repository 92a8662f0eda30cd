/** Assets (stored bytes) and outputs (a job's named references to them). */
import { z } from "zod";
import { AssetId, JobId, Sha256, Timestamp } from "./ids.ts";
import { pathEscapes } from "./workflow-value.ts";

/** A file name for people: no folder, no control character, at most 255 characters. */
export const FileName = z.string().min(1).max(255).refine(
  // deno-lint-ignore no-control-regex
  (name) => !/[/\\\u0000-\u001f\u007f]/.test(name) && name !== "." && !pathEscapes(name),
  "expected a plain file name, without folders",
);

/** Stored bytes. De-duplicated per tenant by `sha256`. */
export const Asset = z.object({
  id: AssetId,
  fileName: FileName,
  /** MIME type as declared on upload or derived from the file name. */
  contentType: z.string(),
  sizeBytes: z.int().min(0),
  sha256: Sha256,
  /** Lowercase hex BLAKE3-256; null for bytes a pod produced, which nobody has asked it of. */
  blake3: z.string().nullable(),
  createdAt: Timestamp,
});
export type Asset = z.infer<typeof Asset>;

export const OutputType = z.enum(["image", "video", "audio", "text", "latent", "file"]);
export type OutputType = z.infer<typeof OutputType>;

/** One output of a job: which node made it, and the asset that holds it. */
export const Output = z.object({
  jobId: JobId,
  nodeId: z.string(),
  /** Name the node gave the file, without our per-attempt folder, e.g. `invert_00001_.png`. */
  name: z.string(),
  type: OutputType,
  contentType: z.string(),
  sizeBytes: z.int().min(0),
  sha256: Sha256,
  assetId: AssetId,
  /** True for previews that ComfyUI itself writes to its temp folder (PreviewImage). */
  temporary: z.boolean(),
});
export type Output = z.infer<typeof Output>;

/** Output type by MIME type; ComfyUI files videos under `images`, so the file decides, not the key. */
export function outputTypeOf(contentType: string, fileName: string): OutputType {
  const major = contentType.split("/", 1)[0];
  if (major === "image" || major === "video" || major === "audio" || major === "text") return major;
  return fileName.endsWith(".latent") ? "latent" : "file";
}
