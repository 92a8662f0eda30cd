/** `/models`, `/embeddings` and what they list. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, parse, relative, resolve } from "node:path";
import { isLexicallyWithin } from "../directories.ts";
import { isJsonObject, type Json, type JsonObject } from "../python.ts";
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
  routes.both("GET", "/experiment/models", () => jsonReply(modelFolders(root)));
  routes.both("GET", "/experiment/models/:folder", ({ param }) => {
    const directories = modelDirectories(root, param("folder"));
    return directories === null ? emptyReply(404) : jsonReply(directories.flatMap(detailedFiles));
  });
  routes.both("GET", "/view_metadata/:folder", ({ param, query }) => {
    const path = pathOfModel(modelDirectories(root, param("folder")) ?? [], query.get("filename") ?? "");
    const metadata = path === null ? null : safetensorsMetadata(path);
    return metadata === null ? emptyReply(404) : jsonReply(metadata);
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

/** The endings in the order in which ComfyUI shows them. */
const MODEL_ENDINGS = [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"];
/** Folders that hold no models for the page. */
const NOT_SHOWN = ["configs", "custom_nodes"];

function modelFolders(root: string): JsonObject[] {
  return Object.entries(allModelDirectories(root)).filter(([name]) => !NOT_SHOWN.includes(name)).map((
    [name, folders],
  ) => ({ name, folders, extensions: [...MODEL_ENDINGS] }));
}

function detailedFiles(directory: string, pathIndex: number): JsonObject[] {
  return modelFiles([directory]).map((name) => {
    const { mtimeMs, birthtimeMs, size } = statSync(join(directory, name));
    return { name, pathIndex, modified: mtimeMs / 1000, created: birthtimeMs / 1000, size };
  });
}

function pathOfModel(directories: readonly string[], name: string): string | null {
  if (!name.endsWith(".safetensors")) return null;
  const paths = directories.map((directory) => [directory, resolve(directory, name)] as const);
  return paths.find(([directory, path]) => isLexicallyWithin(directory, path) && existsSync(path))?.[1] ?? null;
}

/** The header is JSON after its length in eight bytes. Null when there is none, or it names no metadata. */
function safetensorsMetadata(path: string): JsonObject | null {
  const bytes = readFileSync(path);
  if (bytes.length < 8) return null;
  const length = Number(bytes.readBigUInt64LE(0));
  try {
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Json;
    const metadata = isJsonObject(header) ? header["__metadata__"] ?? null : null;
    return isJsonObject(metadata) ? metadata : null;
  } catch {
    return null;
  }
}

function modelFiles(directories: readonly string[]): string[] {
  const files = directories.filter((directory) => existsSync(directory)).flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && MODEL_FILE.test(entry.name))
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
  );
  return [...new Set(files)].sort();
}
