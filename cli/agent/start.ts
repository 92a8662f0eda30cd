/** The agent as a child of the command: what `comfyfleet agent start` runs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { chooseComfy } from "../up/comfy-source.ts";
import { entryPath } from "../up/entry.ts";
import { comfyEnv } from "../up/plan.ts";

export type Environment = Record<string, string | undefined>;

const DEFAULT_COMFY_PORT = 8188;
/** The variables by one of which an agent knows its ComfyUI. */
const WAYS = ["COMFYUI_DIR", "COMFYUI_URL", "COMFYUI_COMMAND"] as const;

/** Where ComfyUI is looked for when nobody says. */
function usualFolders(home: string): string[] {
  return ["ComfyUI", join(home, "ComfyUI")];
}

/**
 * The agent's environment: the caller's, with what the flag or the usual places say of ComfyUI. Nothing is added where
 * there is none: the agent then says what it needs.
 * @throws FleetError `invalid_input` for a flag that names no ComfyUI
 */
export function agentEnvironment(
  env: Environment,
  { comfyui, home = homedir() }: { comfyui?: string | undefined; home?: string },
): Environment {
  const named = WAYS.some((name) => env[name]);
  const found = usualFolders(home).find((folder) => existsSync(join(folder, "main.py")));
  const flag = comfyui ?? (named ? undefined : found);
  if (flag === undefined) return env;
  const { COMFYUI_DIR: _dir, COMFYUI_URL: _url, COMFYUI_COMMAND: _command, ...rest } = env;
  const comfyPort = Number(env.COMFYUI_PORT || DEFAULT_COMFY_PORT);
  return { ...rest, ...comfyEnv({ comfy: chooseComfy(flag, env), node: process.execPath, comfyPort }) };
}

export interface AgentEnd {
  /** Null: a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Runs the agent until it ends; an abort is its order to stop. It has a session of its own, so that a Ctrl-C reaches it
 * once and through us, and a pipe that tells it when we are gone, however that was.
 */
export function runAgent(env: Environment, stop: AbortSignal): Promise<AgentEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entryPath("agent/main")], {
      env: { ...env, AGENT_STOP_WITH_PARENT: "true" },
      stdio: ["pipe", "inherit", "inherit"],
      detached: true,
    });
    child.stdin.on("error", () => {});
    const end = () => void child.kill("SIGTERM");
    if (stop.aborted) end();
    stop.addEventListener("abort", end, { once: true });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      stop.removeEventListener("abort", end);
      resolve({ code, signal });
    });
  });
}
