/** FastWan's graph in ComfyUI's API format: core nodes only. Node ids are stable, so that progress can be read by them. */
import type { JsonValue, Workflow, WorkflowNode } from "../../workflow.ts";
import type { Seeded } from "../service.ts";
import type { FastwanInput } from "./input.ts";
import { DIFFUSION_MODEL, DISTILLATION_LORA, TEXT_ENCODER, VAE } from "./models.ts";

/** The node that saves the clip. */
export const SAVE_NODE = "58";

const START_IMAGE_NODE = "56";

function node(classType: string, title: string, inputs: Record<string, JsonValue>): WorkflowNode {
  return { class_type: classType, inputs, _meta: { title } };
}

/** From text alone. */
export function textToVideo(input: Seeded<FastwanInput>): Workflow {
  const { width, height, length } = input;
  return {
    "37": node("UNETLoader", "Diffusion model", { unet_name: DIFFUSION_MODEL.name, weight_dtype: "default" }),
    "38": node("CLIPLoader", "Text encoder", { clip_name: TEXT_ENCODER.name, type: "wan", device: "default" }),
    "39": node("VAELoader", "VAE", { vae_name: VAE.name }),
    "61": node("LoraLoaderModelOnly", "Distillation", {
      model: ["37", 0],
      lora_name: DISTILLATION_LORA.name,
      strength_model: input.loraStrength,
    }),
    "48": node("ModelSamplingSD3", "Sampling shift", { model: ["61", 0], shift: input.shift }),
    "6": node("CLIPTextEncode", "Prompt", { clip: ["38", 0], text: input.prompt }),
    "7": node("CLIPTextEncode", "Negative prompt", { clip: ["38", 0], text: input.negativePrompt }),
    "55": node("Wan22ImageToVideoLatent", "Size and length", { vae: ["39", 0], width, height, length, batch_size: 1 }),
    "3": node("KSampler", "Sampler", {
      model: ["48", 0],
      positive: ["6", 0],
      negative: ["7", 0],
      latent_image: ["55", 0],
      seed: input.seed,
      steps: input.steps,
      cfg: input.cfg,
      sampler_name: "uni_pc",
      scheduler: "simple",
      denoise: 1,
    }),
    "8": node("VAEDecode", "Frames", { samples: ["3", 0], vae: ["39", 0] }),
    "57": node("CreateVideo", "Clip", { images: ["8", 0], fps: input.fps }),
    [SAVE_NODE]: node("SaveVideo", "Save", {
      video: ["57", 0],
      filename_prefix: "fastwan",
      format: "auto",
      codec: "auto",
    }),
  };
}

/** The same, begun by a picture. */
export function imageToVideo(input: Seeded<FastwanInput>): Workflow {
  const graph = textToVideo(input);
  const { image } = input;
  const latent = graph["55"];
  if (!image || !latent) throw new TypeError("Cannot build the graph: the input has no image");
  return {
    ...graph,
    [START_IMAGE_NODE]: node("LoadImage", "Start image", {
      image: { __type: image.__type, info: { id: image.info.id } },
    }),
    "55": { ...latent, inputs: { ...latent.inputs, start_image: [START_IMAGE_NODE, 0] } },
  };
}
