/** Which ComfyUI `up` uses: `--comfyui`, else COMFYUI_DIR, else COMFYUI_URL, else the stand-in. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { FleetError } from "../../contracts/errors.ts";
import type { ComfySource } from "./plan.ts";

function fromDirectory(directory: string, env: Record<string, string | undefined>): ComfySource {
  if (!existsSync(join(directory, "main.py"))) {
    throw new FleetError("invalid_input", `Cannot use '${directory}' as ComfyUI: it has no main.py`, {
      hint: "Name ComfyUI's own folder, the URL of a running one, or 'fake'.",
    });
  }
  return { kind: "directory", directory, python: env.COMFYUI_PYTHON ?? null };
}

export function chooseComfy(flag: string | undefined, env: Record<string, string | undefined>): ComfySource {
  if (flag === "fake") return { kind: "fake" };
  if (flag !== undefined && /^https?:\/\//.test(flag)) return { kind: "attach", url: flag };
  const directory = flag ?? env.COMFYUI_DIR;
  if (directory) return fromDirectory(directory, env);
  return env.COMFYUI_URL ? { kind: "attach", url: env.COMFYUI_URL } : { kind: "fake" };
}

export function describeComfy(source: ComfySource): string {
  switch (source.kind) {
    case "fake":
      return "fake-comfy (a stand-in that runs weightless nodes; set COMFYUI_DIR for the real one)";
    case "attach":
      return `the ComfyUI at ${source.url}`;
    case "directory":
      return `ComfyUI in ${source.directory}`;
  }
}
