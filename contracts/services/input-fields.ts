/** Fields that the inputs of several services share. */
import { z } from "zod";
import { AssetId } from "../ids.ts";

const MAX_PROMPT_CHARS = 10_000;

/** Text for a text encoder; half of a surrogate pair cannot reach Python. */
export const PromptText = z.string().max(MAX_PROMPT_CHARS).refine((text) => text.isWellFormed(), {
  error: "holds half of a surrogate pair",
});

/** A file that was uploaded before: Comfy API v2's reference. The client uploads files and puts this in their place. */
export const AssetInput = z.strictObject({
  __type: z.literal("core/ASSET"),
  info: z.strictObject({ id: AssetId }),
});

/** ComfyUI takes seeds up to 2^64−1; numbers beyond 2^53−1 lose digits in JSON as JavaScript reads it. */
export const Seed = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
