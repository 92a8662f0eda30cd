/** Which ComfyUI `up` uses: what `--comfyui` and COMFYUI_URL, COMFYUI_COMMAND and COMFYUI_DIR name, else the stand-in. */
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
  return { kind: "directory", directory, python: env.COMFYUI_PYTHON || null };
}

/**
 * A flag takes the place of the variable of its kind: a URL of COMFYUI_URL, a folder of COMFYUI_DIR; `fake` of all.
 * @throws FleetError `invalid_input` for a folder that is no ComfyUI, and for both a URL and a command
 */
export function chooseComfy(flag: string | undefined, env: Record<string, string | undefined>): ComfySource {
  if (flag === "fake") return { kind: "fake" };
  const flagIsUrl = flag !== undefined && /^https?:\/\//.test(flag);
  const directory = (flagIsUrl ? undefined : flag) ?? (env.COMFYUI_DIR || undefined);
  const command = flagIsUrl ? undefined : env.COMFYUI_COMMAND || undefined;
  const url = flagIsUrl ? flag : flag === undefined ? env.COMFYUI_URL || undefined : undefined;
  if (url && command) {
    throw new FleetError("invalid_input", "Cannot choose a ComfyUI: COMFYUI_URL and COMFYUI_COMMAND are both set", {
      hint: "Unset one: the first attaches to a running ComfyUI, the second starts one.",
    });
  }
  if (url) return { kind: "attach", url, directory };
  if (command) return { kind: "command", command, directory };
  return directory ? fromDirectory(directory, env) : { kind: "fake" };
}

export function describeComfy(source: ComfySource): string {
  switch (source.kind) {
    case "fake":
      return "fake-comfy (a stand-in that runs weightless nodes; set COMFYUI_DIR for the real one)";
    case "attach":
      return `the ComfyUI at ${source.url}${source.directory ? `, its files in ${source.directory}` : ""}`;
    case "command":
      return `ComfyUI by ${source.command}`;
    case "directory":
      return `ComfyUI in ${source.directory}`;
  }
}
