/**
 * The agent's configuration: one schema over environment variables, parsed once, every problem reported at once.
 * Any value may be `file:PATH`; then the file's trimmed content counts (for secrets that should not stand in env).
 */
import { join, resolve } from "node:path";
import { z } from "zod";
import { MAX_SOCKET_PATH_BYTES } from "../contracts/tailnet/daemon.ts";
import { AGENT_PORT } from "../contracts/tailnet/words.ts";
import { OTLP_SETTINGS } from "../contracts/telemetry/otlp-settings.ts";
import { DEFAULT_ATTEMPT_TIMING } from "./attempts/timing.ts";
import { DEFAULT_TIMINGS } from "./comfy/timings.ts";
import { isTailnetMeant, TAILNET_SETTINGS, tailnetProblems } from "./tailnet/settings.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

/** `HOST:PORT`; port 0 picks a free one. */
const ListenAddress = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/, "expected HOST:PORT").transform(
  (text) => {
    const at = text.lastIndexOf(":");
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
  },
).refine(({ port }) => port <= 65_535, "expected a port up to 65535");

function json<T>(schema: z.ZodType<T>, example: string) {
  return z.string().transform((text, ctx): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      ctx.addIssue({ code: "custom", message: `expected JSON like ${example}` });
      return z.NEVER;
    }
  }).pipe(schema);
}

const Command = z.array(z.string()).min(1).transform(([program = "", ...rest]): [string, ...string[]] => [
  program,
  ...rest,
]);

const durationMs = (defaultMs: number) => z.coerce.number().int().min(1).default(defaultMs);
const sizeBytes = (defaultBytes: number) => z.coerce.number().int().min(1024).default(defaultBytes);

const DEFAULT_STATE_DIR = ".comfyfleet/agent";

const EnvSchema = z.object({
  /** Address for the edge's calls. Anything but loopback needs a secret of at least 32 bytes. */
  AGENT_LISTEN: ListenAddress.prefault(`127.0.0.1:${AGENT_PORT}`),
  /** What an edge must present as a bearer token. Not asked for, and no way in, where edges come over the tailnet. */
  AGENT_SECRET: z.string().min(16, "expected 16 bytes or more").optional(),
  /** Journal, inputs, outputs and ComfyUI's own folders; created 0700. One agent at a time uses it. */
  AGENT_STATE_DIR: z.string().min(1).default(DEFAULT_STATE_DIR),
  /** Unix socket for `/livez`, `/readyz` and `/metrics`. Default: `health.sock` in the state directory. */
  AGENT_HEALTH_SOCKET: z.string().min(1).optional(),
  /** What a stop of the agent does to its ComfyUI: end it (a running attempt is lost), or leave it for the next agent. */
  AGENT_ON_STOP: z.enum(["stop", "leave"]).default("stop"),
  /** How long a stop waits for what runs to end and for its outputs to be fetched; unset: 8 s on a tailnet, else 0. */
  AGENT_DRAIN_MS: z.coerce.number().int().min(0).max(86_400_000).optional(),
  /** Stop when standard input ends: for a parent that holds its other end, however that parent dies. */
  AGENT_STOP_WITH_PARENT: z.stringbool().default(false),
  /** Attach to this running ComfyUI instead of starting one. */
  COMFYUI_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Allow a COMFYUI_URL on another machine; ComfyUI has no authentication of its own. */
  COMFYUI_ALLOW_REMOTE: z.stringbool().default(false),
  /** ComfyUI's directory: `main.py` is started there. With COMFYUI_URL: read and write its files on disk. */
  COMFYUI_DIR: z.string().min(1).optional(),
  COMFYUI_PYTHON: z.string().min(1).default("python3"),
  /** Another way to start it: a JSON list of program and first arguments; ComfyUI's flags are appended. */
  COMFYUI_COMMAND: json(Command, '["python3","main.py"]').optional(),
  /** Extra ComfyUI flags, a JSON list. */
  COMFYUI_ARGS: json(z.array(z.string()), '["--lowvram"]').default([]),
  /** Added to ComfyUI's environment, a JSON object. */
  COMFYUI_ENV: json(z.record(z.string(), z.string()), '{"HF_HOME":"/models/hf"}').default({}),
  /** Load the partner nodes, which call out to others with a caller's key. */
  COMFYUI_PARTNER_NODES: z.stringbool().default(false),
  /** Port of the ComfyUI that the agent starts, on 127.0.0.1; 0 picks a free one each time. */
  COMFYUI_PORT: z.coerce.number().int().min(0).max(65_535).default(8188),
  COMFYUI_START_MAX_MS: durationMs(DEFAULT_TIMINGS.startMaxMs),
  COMFYUI_STOP_GRACE_MS: durationMs(DEFAULT_TIMINGS.stopGraceMs),
  COMFYUI_BACKOFF_MS: durationMs(DEFAULT_TIMINGS.backoffBaseMs),
  /** A ComfyUI that answers no request for this long is started anew. */
  COMFYUI_UNRESPONSIVE_MS: durationMs(DEFAULT_TIMINGS.unresponsiveAfterMs),
  /** Its memory is looked at this often. */
  COMFYUI_MEMORY_CHECK_MS: durationMs(DEFAULT_TIMINGS.memoryEveryMs),
  /** Above this ComfyUI is started anew when it is idle and does not give memory back; 0: 95 % of what there is. */
  COMFYUI_MAX_RSS_BYTES: z.coerce.number().int().min(0).default(0),
  /** The same when an idle ComfyUI leaves less GPU memory free than this; 0: no limit. */
  COMFYUI_MIN_FREE_VRAM_BYTES: z.coerce.number().int().min(0).default(0),
  /** Largest single input, and how much of all inputs is kept. */
  AGENT_MAX_INPUT_BYTES: sizeBytes(512 * MIB),
  AGENT_INPUT_STORE_BYTES: sizeBytes(20 * GIB),
  /** Largest procedure call, the workflow included. */
  AGENT_MAX_CALL_BYTES: sizeBytes(8 * MIB),
  AGENT_POLL_MS: durationMs(DEFAULT_ATTEMPT_TIMING.pollMs),
  AGENT_CANCEL_GRACE_MS: durationMs(DEFAULT_ATTEMPT_TIMING.cancelGraceMs),
  AGENT_NO_PROGRESS_MS: durationMs(DEFAULT_ATTEMPT_TIMING.noProgressMs),
  AGENT_READY_WITHIN_MS: durationMs(DEFAULT_ATTEMPT_TIMING.readyWithinMs),
  /** The program that tells how the GPUs are; without it their health is unknown. */
  AGENT_NVIDIA_SMI: z.string().min(1).default("nvidia-smi"),
  /** Between two samples of the GPUs. */
  AGENT_GPU_SAMPLE_MS: z.coerce.number().int().min(200).default(5_000),
  ...TAILNET_SETTINGS,
  ...OTLP_SETTINGS,
  LOG_LEVEL: z.enum(["debug", "info", "warning", "error"]).default("info"),
}).superRefine((env, ctx) => {
  const problem = (name: string, message: string) => ctx.addIssue({ code: "custom", path: [name], message });
  const ways = [env.COMFYUI_URL, env.COMFYUI_COMMAND ?? env.COMFYUI_DIR].filter((way) => way !== undefined);
  if (ways.length === 0) problem("COMFYUI_DIR", "expected one of COMFYUI_DIR, COMFYUI_COMMAND, COMFYUI_URL");
  if (env.COMFYUI_URL !== undefined && env.COMFYUI_COMMAND !== undefined) {
    problem("COMFYUI_URL", "expected either a ComfyUI to attach to or a COMFYUI_COMMAND to start one");
  }
  for (const [name, message] of tailnetProblems(env)) problem(name, message);
  if (!env.ENABLE_TAILSCALE && env.AGENT_SECRET === undefined) {
    problem("AGENT_SECRET", "expected a secret that the edge knows too");
  } else if (!isLoopback(env.AGENT_LISTEN.host) && Buffer.byteLength(env.AGENT_SECRET ?? "") < 32) {
    problem("AGENT_SECRET", `expected 32 bytes or more, because AGENT_LISTEN is not loopback`);
  }
  if (Buffer.byteLength(healthSocketOf(env)) > MAX_SOCKET_PATH_BYTES) {
    problem("AGENT_HEALTH_SOCKET", `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes; name a shorter one`);
  }
});

/** Every variable the agent reads of its own; ComfyUI's environment is made of others. */
export const CONFIG_NAMES: readonly string[] = Object.keys(EnvSchema.shape);

export type Config = z.output<typeof EnvSchema>;

/** Says every problem of the configuration, one a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

export function healthSocketOf(config: Pick<Config, "AGENT_HEALTH_SOCKET" | "AGENT_STATE_DIR">): string {
  return resolve(config.AGENT_HEALTH_SOCKET ?? join(config.AGENT_STATE_DIR, "health.sock"));
}

/** Its file is read when a key is needed, which may be never: it may be gone by then, or another key be in it. */
const READ_LATER: ReadonlySet<string> = new Set(["TS_AUTHKEY"]);

/**
 * @param env only the names in {@link CONFIG_NAMES} are looked at; empty strings count as unset
 * @param exists asked whether the state directory has a tailscaled's state
 * @throws ConfigError naming every problem
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
  exists: (path: string) => boolean = () => false,
): Config {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const name of CONFIG_NAMES) {
    const value = env[name];
    if (value === undefined || value === "") continue;
    try {
      given[name] = value.startsWith("file:") && !READ_LATER.has(name)
        ? readFile(value.slice("file:".length)).trim()
        : value;
    } catch {
      problems.push(`${name}: cannot read ${value}`);
    }
  }
  given.ENABLE_TAILSCALE ??= String(isTailnetMeant({ AGENT_STATE_DIR: DEFAULT_STATE_DIR, ...given }, exists));
  const parsed = EnvSchema.safeParse(given);
  if (!parsed.success) {
    const unread = problems.map((problem) => problem.split(":", 1)[0]);
    for (const issue of parsed.error.issues) {
      const name = issue.path[0]?.toString() ?? "";
      if (!unread.includes(name)) problems.push(`${name}: ${issue.message}`);
    }
  }
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(`Cannot start the agent: its configuration is wrong\n  ${problems.join("\n  ")}`);
  }
  return parsed.data;
}
