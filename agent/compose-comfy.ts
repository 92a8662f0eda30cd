/** Which ComfyUI the configuration means: one that the agent starts, or one that runs already. */
import { join, resolve } from "node:path";
import { createAttachedComfy } from "./comfy/attached/attached-comfy.ts";
import { createGenerationJournal } from "./comfy/generation-journal.ts";
import type { Comfy } from "./comfy/port.ts";
import { createSupervisedComfy } from "./comfy/supervised/supervised-comfy.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./telemetry/logger.ts";

/** Above this share of the memory the kernel soon ends ComfyUI, in the middle of a run. */
const DEFAULT_MEMORY_SHARE = 0.95;

/** What only the entry point can give. */
export interface Host {
  /** The agent's own environment, of which ComfyUI gets a small part. */
  env: Readonly<Record<string, string | undefined>>;
  signalProcess: (pid: number, signal: "SIGINT" | "SIGKILL") => void;
  /** Main memory that this machine, or the container that the agent is in, has. */
  memoryBytes: number;
}

export interface ComposedComfy {
  comfy: Comfy;
  mode: "supervised" | "attached";
  close(): void;
}

export function composeComfy(
  config: Config,
  { host, logger, redactLine }: { host: Host; logger: Logger; redactLine: (text: string) => string },
): ComposedComfy {
  const timings = {
    startMaxMs: config.COMFYUI_START_MAX_MS,
    stopGraceMs: config.COMFYUI_STOP_GRACE_MS,
    backoffBaseMs: config.COMFYUI_BACKOFF_MS,
    unresponsiveAfterMs: config.COMFYUI_UNRESPONSIVE_MS,
    memoryEveryMs: config.COMFYUI_MEMORY_CHECK_MS,
  };
  const stateDir = resolve(config.AGENT_STATE_DIR);
  const journal = createGenerationJournal(join(stateDir, "generations.db"));
  const close = () => journal.close();
  if (config.COMFYUI_URL !== undefined) {
    const comfy = createAttachedComfy({
      baseUrl: config.COMFYUI_URL,
      allowRemote: config.COMFYUI_ALLOW_REMOTE,
      directory: config.COMFYUI_DIR === undefined ? null : resolve(config.COMFYUI_DIR),
      journal,
      logger: logger.child("comfy"),
      timings,
    });
    return { comfy, mode: "attached", close };
  }
  const comfy = createSupervisedComfy({
    command: config.COMFYUI_COMMAND ?? [config.COMFYUI_PYTHON, "main.py"],
    cwd: resolve(config.COMFYUI_DIR ?? "."),
    args: config.COMFYUI_ARGS,
    partnerNodes: config.COMFYUI_PARTNER_NODES,
    env: config.COMFYUI_ENV,
    parentEnv: host.env,
    stateDir,
    port: config.COMFYUI_PORT,
    journal,
    logger: logger.child("comfy"),
    redactLine,
    signalProcess: host.signalProcess,
    memoryLimits: {
      maxRssBytes: config.COMFYUI_MAX_RSS_BYTES || host.memoryBytes * DEFAULT_MEMORY_SHARE,
      minFreeVramBytes: config.COMFYUI_MIN_FREE_VRAM_BYTES || null,
    },
    timings,
  });
  return { comfy, mode: "supervised", close };
}
