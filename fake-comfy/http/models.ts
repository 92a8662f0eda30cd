/** `/models`, `/embeddings` and what they list. */
import { existsSync, readdirSync } from "node:fs";
import { join, parse, relative } from "node:path";
import { emptyReply, jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

/** Model folders and, where they differ from the name, the directories that hold them. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  checkpoints: [],
  configs: [],
  loras: [],
  vae: [],
  text_encoders: ["text_encoders", "clip"],
  diffusion_models: ["unet", "diffusion_models"],
  clip_vision: [],
  style_models: [],
  embeddings: [],
  diffusers: [],
  vae_approx: [],
  controlnet: ["controlnet", "t2i_adapter"],
  gligen: [],
  upscale_models: [],
  latent_upscale_models: [],
  custom_nodes: [],
  datasets: [],
  hypernetworks: [],
  photomaker: [],
  classifiers: [],
  model_patches: [],
  audio_encoders: [],
  background_removal: [],
  frame_interpolation: [],
  geometry_estimation: [],
  optical_flow: [],
  detection: [],
};

const MODEL_FILE = /\.(ckpt|pt|pt2|bin|pth|safetensors|pkl|sft)$/i;

export function addModelRoutes(routes: Routes, { options }: ServerContext): void {
  const root = options.directories.models;
  routes.both("GET", "/models", () => jsonReply(Object.keys(FOLDERS)));
  routes.both("GET", "/models/:folder", ({ param }) => {
    const directories = modelDirectories(root, param("folder"));
    return directories === null ? emptyReply(404) : jsonReply(modelFiles(directories));
  });
  routes.both("GET", "/embeddings", () => {
    const files = modelFiles(modelDirectories(root, "embeddings") ?? []);
    return jsonReply(files.map((file) => join(parse(file).dir, parse(file).name)));
  });
}

/** The directories of a model folder, or null for a folder that does not exist. */
export function modelDirectories(root: string, folder: string): string[] | null {
  const names = Object.hasOwn(FOLDERS, folder) ? FOLDERS[folder] : undefined;
  if (names === undefined) return null;
  return (names.length > 0 ? names : [folder]).map((name) => join(root, name));
}

/** All folders with their directories. */
export function allModelDirectories(root: string): Record<string, string[]> {
  return Object.fromEntries(Object.keys(FOLDERS).map((folder) => [folder, modelDirectories(root, folder) ?? []]));
}

function modelFiles(directories: readonly string[]): string[] {
  const files = directories.filter((directory) => existsSync(directory)).flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && MODEL_FILE.test(entry.name))
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
  );
  return [...new Set(files)].sort();
}
