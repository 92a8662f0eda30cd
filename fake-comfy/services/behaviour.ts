/** What the classes of the services do without a model: hand on words for what they would make, at a real one's pace. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ImageBatch, solidFrame } from "../images/frame.ts";
import { imageInput, numberInput, textInput } from "../nodes/inputs.ts";
import type { NodeClass, Value } from "../nodes/node-class.ts";
import { counterText, nextSaveName } from "../nodes/save-name.ts";
import { token, tokenInput } from "./tokens.ts";

type Run = NodeClass["run"];
type Inputs = Readonly<Record<string, Value>>;

/** Two seconds of the word TEST, 320 × 176, made for the purpose: whatever was asked for, this comes. */
const TEST_CLIP = fileURLToPath(new URL("./test-clip.mp4", import.meta.url));
const FRAME_COLOR = 0x203040;

function loads(type: string, input: string): Run {
  return (inputs) => ({ outputs: [token(type, { name: textInput(inputs, input) })] });
}

function changesModel(inputs: Inputs): { outputs: Value[] } {
  return { outputs: [tokenInput(inputs, "model", "MODEL")] };
}

function sizeOf(latent: Inputs): { width: number; height: number; length: number } {
  return {
    width: numberInput(latent, "width"),
    height: numberInput(latent, "height"),
    length: numberInput(latent, "length"),
  };
}

const sample: Run = async (inputs, context) => {
  for (
    const [name, type] of [["model", "MODEL"], ["positive", "CONDITIONING"], ["negative", "CONDITIONING"]] as const
  ) {
    tokenInput(inputs, name, type);
  }
  const latent = tokenInput(inputs, "latent_image", "LATENT");
  const { width, height } = sizeOf(latent);
  const steps = numberInput(inputs, "steps");
  const frame = solidFrame(width, height, FRAME_COLOR);
  const bar = context.progress(steps);
  for (let step = 0; step < steps; step++) await bar.step(frame);
  return { outputs: [latent] };
};

const saveVideo: Run = async (inputs, { directories }) => {
  const video = tokenInput(inputs, "video", "VIDEO");
  const size = { width: numberInput(video, "width"), height: numberInput(video, "height") };
  const { folder, name, counter, subfolder } = await nextSaveName(
    directories.output,
    textInput(inputs, "filename_prefix"),
    size,
  );
  const filename = `${name}_${counterText(counter)}_.mp4`;
  await copyFile(TEST_CLIP, join(folder, filename));
  return { outputs: [video], ui: { images: [{ filename, subfolder, type: "output" }], animated: [true] } };
};

/** By class name. */
export const SERVICE_BEHAVIOUR: Readonly<Record<string, Run>> = {
  UNETLoader: loads("MODEL", "unet_name"),
  CLIPLoader: loads("CLIP", "clip_name"),
  VAELoader: loads("VAE", "vae_name"),
  LoraLoaderModelOnly: changesModel,
  ModelSamplingSD3: changesModel,
  CLIPTextEncode(inputs) {
    tokenInput(inputs, "clip", "CLIP");
    return { outputs: [token("CONDITIONING", { text: textInput(inputs, "text") })] };
  },
  Wan22ImageToVideoLatent(inputs) {
    tokenInput(inputs, "vae", "VAE");
    if ("start_image" in inputs) imageInput(inputs, "start_image");
    return { outputs: [token("LATENT", sizeOf(inputs))] };
  },
  KSampler: sample,
  VAEDecode(inputs) {
    tokenInput(inputs, "vae", "VAE");
    const { width, height, length } = sizeOf(tokenInput(inputs, "samples", "LATENT"));
    return { outputs: [new ImageBatch(Array(length).fill(solidFrame(width, height, FRAME_COLOR)))] };
  },
  CreateVideo(inputs) {
    const { frames, first } = imageInput(inputs, "images");
    const { width, height } = first;
    return { outputs: [token("VIDEO", { width, height, length: frames.length, fps: numberInput(inputs, "fps") })] };
  },
  SaveVideo: saveVideo,
};
