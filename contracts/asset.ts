/** Assets (stored bytes) and outputs (a job's named references to them). */
import { z } from "zod";
import { MAX_INLINE_CHARS } from "./bounds.ts";
import { AssetId, JobId, Sha256, Timestamp } from "./ids.ts";
import { pathEscapes } from "./workflow-value.ts";

/** A file name for people: no folder, no control character, at most 255 characters. */
export const FileName = z.string().min(1).max(255).refine(
  // deno-lint-ignore no-control-regex
  (name) => !/[/\\\u0000-\u001f\u007f]/.test(name) && name !== "." && !pathEscapes(name),
  "expected a plain file name, without folders",
);

/** Where a file would lie, relative: at most 1,024 characters of file names with `/` between them, e.g. `masks/a.png`. */
export const FilePath = z.string().min(1).max(1_024).refine(
  (path) => !pathEscapes(path) && path.split("/").every((segment) => FileName.safeParse(segment).success),
  "expected a relative path of file names, without '..'",
);

/** The last name of a path. */
export function fileNameOf(filePath: string): string {
  return filePath.slice(filePath.lastIndexOf("/") + 1);
}

/** Stored bytes at a path. One per tenant, `sha256` and `filePath`. */
export const Asset = z.object({
  id: AssetId,
  /** The last name of `filePath`. */
  fileName: FileName,
  /** See {@link FilePath}; empty where an edge is too old to say. */
  filePath: z.string().max(1_024).default(""),
  /** MIME type as declared on upload or derived from the file name. */
  contentType: z.string(),
  sizeBytes: z.int().min(0),
  sha256: Sha256,
  /** Lowercase hex BLAKE3-256; null for bytes a pod produced, which nobody has asked it of. */
  blake3: z.string().nullable(),
  createdAt: Timestamp,
  /** The last job whose output it is; null for what nobody but a caller has made. */
  jobId: JobId.nullable().default(null),
  /** From then on it is not found; null for never. */
  expiresAt: Timestamp.nullable().default(null),
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
  /** All of its bytes, in the answer to a `jobs.get` that has asked for them (`inlineBytes`). */
  dataBase64: z.string().max(MAX_INLINE_CHARS).optional(),
});
export type Output = z.infer<typeof Output>;

/** Output type by MIME type; ComfyUI files videos under `images`, so the file decides, not the key. */
export function outputTypeOf(contentType: string, fileName: string): OutputType {
  const major = contentType.split("/", 1)[0];
  if (major === "image" || major === "video" || major === "audio" || major === "text") return major;
  return fileName.endsWith(".latent") ? "latent" : "file";
}
