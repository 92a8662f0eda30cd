/** A start command as a person pastes it into a shell of the pod's machine. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ManagedProcess, manageProcess } from "../fleet/process.ts";
import { HERMETIC_SETTINGS } from "./daemon.ts";

const CLI = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/**
 * Runs it in `folder`, with an npx that knows this checkout, and a stand-in for ComfyUI.
 * @param tailscaled its path
 */
export function paste(text: string, folder: string, tailscaled: string): ManagedProcess {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "npx"), `#!/bin/sh\nshift 2\nexec '${process.execPath}' '${CLI}' "$@" --comfyui fake\n`);
  chmodSync(join(bin, "npx"), 0o755);
  const env = { ...HERMETIC_SETTINGS, PATH: `${bin}:${process.env.PATH}`, HOME: folder, COMFYUI_PORT: "0" };
  return manageProcess({
    command: ["sh", "-c", `cd '${folder}'\n${text.replace(/npx (.*)$/, "exec npx $1")}`],
    env: { ...env, TAILSCALED: tailscaled },
    logPath: join(folder, "agent.log"),
  });
}
