/** What a caller may ask of FastWan. ComfyUI floors frame counts and checks no multiples, so that is done here. */
import { z } from "zod";
import { AssetInput, PromptText, Seed } from "../input-fields.ts";

/** Upstream's own; it acts only where `cfg` is above 1. */
const NEGATIVE_PROMPT =
  "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，" +
  "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，" +
  "静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走";

/** The latent is a thirty-second of the picture on each side, and the model was trained on sides up to 1,280. */
const Side = z.int().min(32).max(1_280).multipleOf(32);

export const FastwanInput = z.strictObject({
  prompt: PromptText.refine((text) => text.trim() !== "", { error: "must not be empty" })
    .describe("What the clip shows."),
  negativePrompt: PromptText.default(NEGATIVE_PROMPT)
    .describe("What it must not show; without effect while cfg is 1. Default: upstream's."),
  image: AssetInput.optional()
    .describe("The first frame, cropped and resized to width × height. With it the clip is made from the image."),
  width: Side.default(1_280).describe("Pixels, a multiple of 32. Trained: 1280×704 and 704×1280; 960×544 is faster."),
  height: Side.default(704).describe("Pixels, a multiple of 32."),
  length: z.int().min(1).max(121).refine((frames) => frames % 4 === 1, { error: "must be 4n+1: 1, 5, 9, … 121" })
    .default(121).describe("Frames, 4n+1. 121 are five seconds at 24 frames a second."),
  fps: z.number().min(1).max(120).default(24).describe("Frames a second; changes only how fast the clip plays."),
  seed: Seed.optional().describe("0 to 2^53−1. Without it the edge draws one and reports it."),
  steps: z.int().min(3).max(8).default(8).describe("Sampling steps of the distilled model."),
  cfg: z.number().min(1).max(10).default(1)
    .describe("Guidance. The distilled model wants 1; more doubles the time and lets negativePrompt act."),
  shift: z.number().min(1).max(20).default(8).describe("Sampling shift: 5 upstream, 8 in ComfyUI's template."),
  loraStrength: z.number().min(1).max(1.1).default(1.1).describe("Strength of the distillation LoRA."),
});
export type FastwanInput = z.output<typeof FastwanInput>;
