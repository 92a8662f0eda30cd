/** What of a real GPU is at hand, and where what it says is kept: `npm run test:gpu`. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../run/run-step.ts";

export const NVIDIA_SMI = process.env.AGENT_NVIDIA_SMI ?? "nvidia-smi";

export interface SmiRun {
  args: string[];
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @throws Error when it cannot be started or takes a minute */
export function runSmi(...args: string[]): SmiRun {
  const { error, status, stdout, stderr } = spawnSync(NVIDIA_SMI, args, { encoding: "utf8", timeout: 60_000 });
  if (error) throw new Error(`Cannot run ${NVIDIA_SMI}: ${error.message}`, { cause: error });
  return { args, code: status, stdout, stderr };
}

/** Why the tests that need nvidia-smi cannot run here; null when they can. */
export function whyNoGpu(): string | null {
  try {
    const { code, stdout } = runSmi("-L");
    return code === 0 && stdout.includes("GPU 0") ? null : `${NVIDIA_SMI} -L ended with ${code}: ${stdout.trim()}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const CUDA_PROBE = "import torch; print(torch.cuda.is_available())";
/** A first import of torch from a cold disk. */
const PROBE_TIMEOUT_MS = 120_000;

let cudaReason: string | null | undefined;

/**
 * Why those that need ComfyUI with CUDA cannot; asked once. The one of `npm run test:real` has torch, but no CUDA
 * libraries.
 */
export function whyNoCudaComfy(): string | null {
  if (cudaReason === undefined) cudaReason = findCudaReason();
  return cudaReason;
}

function findCudaReason(): string | null {
  const { COMFYUI_DIR, COMFYUI_PYTHON } = process.env;
  const noGpu = whyNoGpu();
  if (noGpu !== null) return noGpu;
  if (!COMFYUI_DIR || !COMFYUI_PYTHON) return "COMFYUI_DIR and COMFYUI_PYTHON name no ComfyUI with its Python";
  if (!existsSync(join(COMFYUI_DIR, "main.py"))) return `COMFYUI_DIR=${COMFYUI_DIR} has no main.py`;
  const probe = spawnSync(COMFYUI_PYTHON, ["-c", CUDA_PROBE], { encoding: "utf8", timeout: PROBE_TIMEOUT_MS });
  if (probe.stdout?.trim() === "True") return null;
  const words = probe.error?.message ?? (probe.stderr.trim().split("\n").at(-1) || "torch finds no CUDA device");
  return `COMFYUI_PYTHON=${COMFYUI_PYTHON} cannot use the GPU: ${words}`;
}

/** A suite's name with the reason, should it be skipped. */
export function named(name: string, reason: string | null): string {
  return reason === null ? name : `${name} (skipped: ${reason})`;
}

const FOLDER = join(repositoryRoot, ".tmp", "gpu-recordings");

/** Keeps what was heard, identifiers masked, so that it can become a fixture. */
export function record(name: string, heard: unknown): void {
  mkdirSync(FOLDER, { recursive: true });
  const text = JSON.stringify(heard, null, 2).replaceAll(
    /(GPU|MIG)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi,
    "$1-00000000-0000-0000-0000-000000000000",
  );
  writeFileSync(join(FOLDER, `${name}.json`), `${text}\n`);
}
