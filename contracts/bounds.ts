/** How long the lists and texts of messages between edge and agent may be, so that neither can fill the other's memory. */
import { z } from "zod";

/** A sentence, a name, a reason: anything that is no file. Up to 65,536 characters. */
export const Text = z.string().max(65_536);

/** Outputs of one attempt. An agent fails a run that makes more, since no edge would read the report of it. */
export const MAX_OUTPUTS = 10_000;
/** Bytes of small outputs, together, that may come along with the message that tells of them. */
export const MAX_INLINE_BYTES = 64 * 1024;
/** The same as base64. */
export const MAX_INLINE_CHARS = Math.ceil(MAX_INLINE_BYTES / 3) * 4;
/** Attempts in one beat, either way. */
export const MAX_ATTEMPTS = 1_000;
/** Different inputs of one attempt. */
export const MAX_INPUTS = 1_000;
export const MAX_CONDITIONS = 100;
/** GPUs of one pod, and ComfyUI processes on it. */
export const MAX_DEVICES = 64;
/** Reasons of one verdict about a pod's GPUs: a few words for each of them. */
export const MAX_GPU_REASONS = 200;
/** One picture of work in progress, as base64: about 750 KB of JPEG or PNG. An agent drops larger ones. */
export const MAX_PREVIEW_CHARS = 1_000_000;
