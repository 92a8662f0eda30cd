// A made-up diffusion model that a real ComfyUI takes for Stable Diffusion 2.0 and samples with: 13.8 million random
// weights, 27.6 MB. It makes KSampler jobs (steps, progress, previews) possible without downloading a model.
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The name that a graph's UNETLoader gives. */
export const TINY_UNET = "tiny_sd20.safetensors";

type Tensor = { name: string; shape: number[]; fill: "random" | "one" };

const CHANNELS = 320;
const EMBEDDING = 1280;
/** 1024-wide context with linear projections is what tells SD 2.0 from 1.5, and what LotusConditioning gives. */
const CONTEXT = 1024;

/**
 * Writes the model to `modelsDir/diffusion_models/tiny_sd20.safetensors` unless it is there, and returns the path.
 * The bytes are the same every time.
 */
export async function writeTinyUnet(modelsDir: string): Promise<string> {
  const folder = join(modelsDir, "diffusion_models");
  const path = join(folder, TINY_UNET);
  const bytes = tinyUnetBytes();
  const present = await stat(path).catch(() => undefined);
  if (present?.size === bytes.length) return path;
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
  return path;
}

function tinyUnetBytes(): Uint8Array {
  const tensors = layers();
  const header: Record<string, { dtype: "F16"; shape: number[]; data_offsets: [number, number] }> = {};
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + 2 * countOf(tensor);
    header[tensor.name] = { dtype: "F16", shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  const random = halfNoise();
  let at = 8 + json.length;
  for (const tensor of tensors) {
    const count = countOf(tensor);
    for (let i = 0; i < count; i += 1, at += 2) view.setUint16(at, tensor.fill === "one" ? 0x3c00 : random(), true);
  }
  return bytes;
}

function countOf(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

/** Half-precision bits of values with mean 0 and a standard deviation of 0.02, from a fixed seed. */
function halfNoise(): () => number {
  let state = 0x9e3779b9;
  const uniform = () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  // A table is enough noise for a model that means nothing, and 40 times as fast as converting each value.
  const table = Uint16Array.from({ length: 4096 }, () => {
    const normal = Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
    return halfBits(0.02 * normal);
  });
  return () => table[Math.floor(uniform() * table.length)] ?? 0;
}

/** IEEE 754 half precision of a small number (below 1 in size), subnormals as zero. */
function halfBits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign;
  const exponent = Math.floor(Math.log2(size));
  const fraction = Math.round((size / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + fraction);
}

function layers(): Tensor[] {
  return [
    ...linear("time_embed.0", [EMBEDDING, CHANNELS]),
    ...linear("time_embed.2", [EMBEDDING, EMBEDDING]),
    ...linear("input_blocks.0.0", [CHANNELS, 4, 3, 3]),
    ...residual("input_blocks.1.0", CHANNELS),
    ...attention("input_blocks.1.1"),
    ...residual("output_blocks.0.0", 2 * CHANNELS),
    ...residual("output_blocks.1.0", 2 * CHANNELS),
    ...norm("out.0", CHANNELS),
    ...linear("out.2", [4, CHANNELS, 3, 3]),
  ];
}

function linear(name: string, shape: [number, ...number[]]): Tensor[] {
  return [weight(name, shape), { name: `${name}.bias`, shape: [shape[0]], fill: "random" }];
}

function weight(name: string, shape: number[]): Tensor {
  return { name: `${name}.weight`, shape, fill: "random" };
}

function norm(name: string, size: number): Tensor[] {
  return [
    { name: `${name}.weight`, shape: [size], fill: "one" },
    { name: `${name}.bias`, shape: [size], fill: "random" },
  ];
}

function residual(name: string, inChannels: number): Tensor[] {
  const skip = inChannels === CHANNELS ? [] : linear(`${name}.skip_connection`, [CHANNELS, inChannels, 1, 1]);
  return [
    ...norm(`${name}.in_layers.0`, inChannels),
    ...linear(`${name}.in_layers.2`, [CHANNELS, inChannels, 3, 3]),
    ...linear(`${name}.emb_layers.1`, [CHANNELS, EMBEDDING]),
    ...norm(`${name}.out_layers.0`, CHANNELS),
    ...linear(`${name}.out_layers.3`, [CHANNELS, CHANNELS, 3, 3]),
    ...skip,
  ];
}

function attention(name: string): Tensor[] {
  const block = `${name}.transformer_blocks.0`;
  const square: [number, number] = [CHANNELS, CHANNELS];
  return [
    ...norm(`${name}.norm`, CHANNELS),
    ...linear(`${name}.proj_in`, square),
    ...linear(`${name}.proj_out`, square),
    ...["norm1", "norm2", "norm3"].flatMap((each) => norm(`${block}.${each}`, CHANNELS)),
    ...["to_q", "to_k", "to_v"].map((each) => weight(`${block}.attn1.${each}`, square)),
    ...linear(`${block}.attn1.to_out.0`, square),
    weight(`${block}.attn2.to_q`, square),
    ...["to_k", "to_v"].map((each) => weight(`${block}.attn2.${each}`, [CHANNELS, CONTEXT])),
    ...linear(`${block}.attn2.to_out.0`, square),
    ...linear(`${block}.ff.net.0.proj`, [2 * 4 * CHANNELS, CHANNELS]),
    ...linear(`${block}.ff.net.2`, [CHANNELS, 4 * CHANNELS]),
  ];
}
