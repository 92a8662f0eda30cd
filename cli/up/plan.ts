/** What `up` starts: commands and environments of the agent and the edge; pure, so that it can be read and tested. */
import { join, resolve } from "node:path";
import { denoEdgeFlags, entryPath } from "./entry.ts";

/** Where ComfyUI comes from. */
export type ComfySource =
  | { kind: "fake" }
  /** With `directory`, its files are read and written on disk. */
  | { kind: "attach"; url: string; directory?: string | undefined }
  /** A JSON list, as in COMFYUI_COMMAND; started in `directory` where there is one. */
  | { kind: "command"; command: string; directory?: string | undefined }
  | { kind: "directory"; directory: string; python: string | null };

export interface UpPlanOptions {
  dataDir: string;
  /** 127.0.0.1 ports of the edge, the agent and ComfyUI. */
  ports: { edge: number; agent: number; comfy: number };
  /** Address the edge listens on; IPv6 in brackets. */
  listenHost: string;
  /** Null: run the edge on Node. */
  deno: string | null;
  node: string;
  /** Null: an edge alone, whose pods are elsewhere. */
  comfy: ComfySource | null;
  agentSecret: string;
  bootstrapKey: string;
  /** The caller's environment; settings of the edge, the agent and ComfyUI pass through. */
  env: Record<string, string | undefined>;
}

export interface ProcessPlan {
  name: "agent" | "edge";
  command: string[];
  env: Record<string, string | undefined>;
  logPath: string;
  /** How long a stop may take, before it is killed. */
  stopGraceMs: number;
  /** The setting that makes it stop at the end of its standard input; for whoever gives it a pipe. */
  stopWithParent: "AGENT_STOP_WITH_PARENT" | "EDGE_STOP_WITH_PARENT";
}

/** Its name in the edge's list. */
export const LOCAL_POD = "local";

/** ComfyUI's own default, and what the agent's other steps may take beside it. */
const COMFY_STOP_GRACE_MS = 10_000;
const STOP_MARGIN_MS = 20_000;
/** An edge ends its streams in under two seconds, and then its loops and its store. */
const EDGE_STOP_GRACE_MS = 15_000;

const AGENT_SETTINGS =
  /^(AGENT_|COMFYUI_|LOG_LEVEL$|OTEL_EXPORTER_OTLP_(ENDPOINT|HEADERS)$|PATH$|HOME$|LANG$|TMPDIR$|CUDA_|NVIDIA_|LD_LIBRARY_PATH$)/;
const EDGE_SETTINGS =
  /^(EDGE_|MAX_|ASSET_|JOB_|TENANT_|V2_|POD_|HEADSCALE_|TAILSCALE_|TAILNET_|TS_SOCKET$|LOG_LEVEL$|OTEL_EXPORTER_OTLP_(ENDPOINT|HEADERS)$|PATH$|HOME$|LANG$|TMPDIR$|DENO_DIR$)/;

function pick(env: Record<string, string | undefined>, wanted: RegExp): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted.test(name)));
}

function inDirectory(directory: string | undefined): Record<string, string> {
  return directory === undefined ? {} : { COMFYUI_DIR: resolve(directory) };
}

/** The agent's settings for that ComfyUI. */
export function comfyEnv(
  { comfy, node, comfyPort }: { comfy: ComfySource; node: string; comfyPort: number },
): Record<string, string> {
  switch (comfy.kind) {
    case "fake":
      return {
        COMFYUI_COMMAND: JSON.stringify([node, entryPath("fake-comfy/main")]),
        COMFYUI_PORT: String(comfyPort),
      };
    case "attach":
      return { COMFYUI_URL: comfy.url, ...inDirectory(comfy.directory) };
    case "command":
      return {
        COMFYUI_COMMAND: comfy.command,
        COMFYUI_PORT: String(comfyPort),
        ...inDirectory(comfy.directory),
      };
    case "directory":
      return {
        COMFYUI_DIR: resolve(comfy.directory),
        COMFYUI_PORT: String(comfyPort),
        ...(comfy.python ? { COMFYUI_PYTHON: comfy.python } : {}),
      };
  }
}

export function planProcesses(options: UpPlanOptions): ProcessPlan[] {
  const { ports, agentSecret, env, comfy } = options;
  const dataDir = resolve(options.dataDir);
  const edgeDir = join(dataDir, "edge");
  const logs = join(dataDir, "logs");
  const pod = { name: LOCAL_POD, url: `http://127.0.0.1:${ports.agent}`, secret: agentSecret };
  const edgeEntry = options.deno
    ? [options.deno, "run", ...denoEdgeFlags(edgeDir, env.TS_SOCKET), entryPath("proxy/main.deno")]
    : [options.node, entryPath("proxy/main.node")];
  const { COMFYUI_DIR: _dir, COMFYUI_URL: _url, COMFYUI_COMMAND: _command, ...passed } = pick(env, AGENT_SETTINGS);
  const agent = (source: ComfySource): ProcessPlan => {
    return {
      name: "agent",
      command: [options.node, entryPath("agent/main")],
      env: {
        ...passed,
        AGENT_LISTEN: `127.0.0.1:${ports.agent}`,
        AGENT_SECRET: agentSecret,
        AGENT_STATE_DIR: join(dataDir, "agent"),
        ...comfyEnv({ comfy: source, node: options.node, comfyPort: ports.comfy }),
      },
      logPath: join(logs, "agent.log"),
      stopGraceMs: (Number(env.COMFYUI_STOP_GRACE_MS) || COMFY_STOP_GRACE_MS) + (Number(env.AGENT_DRAIN_MS) || 0) +
        STOP_MARGIN_MS,
      stopWithParent: "AGENT_STOP_WITH_PARENT",
    };
  };
  return [
    ...(comfy === null ? [] : [agent(comfy)]),
    {
      name: "edge",
      command: edgeEntry,
      env: {
        ...pick(env, EDGE_SETTINGS),
        EDGE_LISTEN: `${options.listenHost}:${ports.edge}`,
        EDGE_DATA_DIR: edgeDir,
        EDGE_PODS: JSON.stringify(comfy === null ? [] : [pod]),
        EDGE_BOOTSTRAP_KEY: options.bootstrapKey,
      },
      logPath: join(logs, "edge.log"),
      stopGraceMs: EDGE_STOP_GRACE_MS,
      stopWithParent: "EDGE_STOP_WITH_PARENT",
    },
  ];
}
