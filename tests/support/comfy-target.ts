// Which ComfyUI a suite runs on: `COMFY_TARGET=real` a real one on the CPU, else the stand-in of this repository.

export type TargetKind = "fake" | "real";

/**
 * `COMFY_TARGET`, default `fake`.
 * @throws Error for any other value, so that a typing error does not pass as a run on the real server.
 */
export function targetKind(env: NodeJS.ProcessEnv = process.env): TargetKind {
  const kind = env.COMFY_TARGET ?? "fake";
  if (kind !== "fake" && kind !== "real") {
    throw new Error(`Cannot choose a server: COMFY_TARGET is ${kind}\nHint: set it to fake or real.`);
  }
  return kind;
}
