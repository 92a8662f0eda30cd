/** FastWan: a clip of five seconds from text, or from a first frame and text. Wan 2.2 TI2V 5B with FastWan's distillation. */
import { defineService } from "../service.ts";
import { imageToVideo, SAVE_NODE, textToVideo } from "./graph.ts";
import { FastwanInput } from "./input.ts";
import { DIFFUSION_MODEL, DISTILLATION_LORA, TEXT_ENCODER, VAE } from "./models.ts";

const GIB = 1024 ** 3;

export const fastwan = defineService({
  id: "fastwan2.2-5b",
  version: 1,
  title: "FastWan 2.2 5B",
  summary: "A clip of up to five seconds from a text, or from a first frame and a text.",
  aliases: ["fastwan2.2-5b-network-storage", "fastwan2.2-5b-packed"],
  input: FastwanInput,
  outputs: [{ name: "video", nodeId: SAVE_NODE, type: "video", contentType: "video/mp4" }],
  variants: [
    { id: "t2v", summary: "From text alone.", accepts: ({ image }) => image === undefined, build: textToVideo },
    { id: "i2v", summary: "Begun by a picture.", accepts: ({ image }) => image !== undefined, build: imageToVideo },
  ],
  models: [DIFFUSION_MODEL, TEXT_ENCODER, VAE, DISTILLATION_LORA],
  requirements: {
    minVramBytes: 8 * GIB,
    recommendedVramBytes: 24 * GIB,
    classes: [
      ...["CLIPLoader", "CLIPTextEncode", "CreateVideo", "KSampler", "LoadImage", "LoraLoaderModelOnly"],
      ...["ModelSamplingSD3", "SaveVideo", "UNETLoader", "VAEDecode", "VAELoader", "Wan22ImageToVideoLatent"],
    ],
  },
  warmUp: { prompt: "warm-up", width: 32, height: 32, length: 1, steps: 3, seed: 0 },
});
