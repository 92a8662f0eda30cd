/** A whole fleet whose ComfyUI runs on a real GPU, with the made-up model and a node that breaks the CUDA context. */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestFleet, type TestFleet } from "../fleet/fleet.ts";
import { writeTinyUnet } from "../real-comfy/tiny-unet.ts";

/** A real start loads torch, CUDA and every node. */
const READY_TIMEOUT_MS = 300_000;

/** Writes through a null pointer in a kernel that torch compiles itself, so that no compiler is needed. */
const FAULT_NODE = `
import torch

CODE = """
template <typename T> T write_nowhere(T x) { *((volatile int*) 16) = 1; return x; }
"""

class BreakCuda:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "how": (["illegal_access", "assert"],)}}

    def run(self, image, how):
        if how == "assert":
            zeros = torch.zeros(1, device="cuda")
            zeros[torch.tensor([1000000], device="cuda")].sum()
        else:
            torch.cuda.jiterator._create_jit_fn(CODE)(image.cuda())
        torch.cuda.synchronize()
        return (image,)

NODE_CLASS_MAPPINGS = {"BreakCuda": BreakCuda}
`;

export interface CudaFleet extends AsyncDisposable {
  fleet: TestFleet;
}

export async function startCudaFleet(): Promise<CudaFleet> {
  const { COMFYUI_DIR: directory = "", COMFYUI_PYTHON: python = "" } = process.env;
  const folder = mkdtempSync(join(tmpdir(), "cf-cuda-"));
  await writeTinyUnet(folder);
  const nodes = join(folder, "custom_nodes", "break_cuda");
  await mkdir(nodes, { recursive: true });
  await writeFile(join(nodes, "__init__.py"), FAULT_NODE);
  const pathsFile = join(folder, "paths.yaml");
  const paths = { base_path: folder, diffusion_models: "diffusion_models", custom_nodes: "custom_nodes" };
  await writeFile(pathsFile, JSON.stringify({ test: paths }));
  const args = ["--disable-all-custom-nodes", "--whitelist-custom-nodes", "break_cuda"];
  const fleet = await startTestFleet({
    runtime: "deno",
    comfy: { kind: "directory", directory, python },
    env: {
      COMFYUI_ARGS: JSON.stringify([...args, "--extra-model-paths-config", pathsFile]),
      AGENT_GPU_SAMPLE_MS: "1000",
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  return {
    fleet,
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
