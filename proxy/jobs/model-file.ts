/** Which combo values name weights on a pod's disk. Such a value may be missing today and fetched tomorrow. */

const WEIGHTS = /\.(safetensors|sft|ckpt|pt|pt2|pth|bin|gguf|onnx|pkl|engine|msgpack|npz|task)$/i;

/** Any extension a person would take for a file. */
const FILE = /\.[a-z0-9]{2,12}$/i;

export function looksLikeModelFile(value: unknown): value is string {
  return typeof value === "string" && WEIGHTS.test(value);
}

/** Names of files may be another tenant's: such lists are never shown to a caller. */
export function looksLikeFile(value: unknown): boolean {
  return typeof value === "string" && FILE.test(value);
}
