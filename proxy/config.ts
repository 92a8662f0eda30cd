/**
 * The edge's configuration: one schema over environment variables, parsed once, every problem reported at once.
 * Any value may be `file:PATH`; then the file's trimmed content counts (for secrets that should not stand in env).
 */
import { z } from "zod";
import { proxyList } from "./proxy-list.ts";
import { MAX_JOB_WAIT_MS } from "../contracts/edge/inputs.ts";
import { AGENT_PORT } from "../contracts/tailnet/words.ts";
import { OTLP_SETTINGS } from "../contracts/telemetry/otlp-settings.ts";
import { CONTROL_SETTINGS, refuseHalfControl } from "./enrollment/settings.ts";

const MIB = 1024 * 1024;

/** `HOST:PORT`; port 0 picks a free one. */
const ListenAddress = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/, "expected HOST:PORT").transform(
  (text) => {
    const at = text.lastIndexOf(":");
    return { hostname: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
  },
).refine(({ port }) => port <= 65_535, "expected a port up to 65535");

/** A longer one is a slip of the pen: nothing here is meant to wait for more than a week. */
const MAX_DURATION_MS = 7 * 86_400_000;
/** Ten years. */
const MAX_RETENTION_MS = 3_650 * 86_400_000;
const DEFAULT_RETENTION_MS = 30 * 86_400_000;
const durationMs = (defaultMs: number, minMs: number) =>
  z.coerce.number().int().min(minMs).max(MAX_DURATION_MS).default(defaultMs);
const sizeBytes = (defaultBytes: number) => z.coerce.number().int().min(1024).default(defaultBytes);

const StaticPod = z.strictObject({
  /** Unique; shown to people and kept as the pod's transport key. */
  name: z.string().min(1).max(63).regex(/^[\w.-]+$/, "expected letters, digits, '.', '_' or '-'"),
  /** Origin of its agent, e.g. `http://127.0.0.1:8189`. */
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().min(16),
});
export type StaticPod = z.infer<typeof StaticPod>;

const PodList = z.string().default("[]").transform((text, ctx): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    ctx.addIssue({ code: "custom", message: 'expected JSON: [{"name":…,"url":…,"secret":…}]' });
    return z.NEVER;
  }
}).pipe(
  z.array(StaticPod).refine((pods) => new Set(pods.map((pod) => pod.name)).size === pods.length, "pod names repeat"),
);

/** Of http or https, as a browser writes it. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

const Origin = z.string().transform((text) => text.trim().replace(/\/$/, "")).refine(
  isOrigin,
  "expected an origin without a path, such as https://fleet.example.com",
);

/** `*`, or origins with commas between them, each as a browser writes it. */
const Origins = z.string().transform((text, ctx): "*" | string[] => {
  if (text.trim() === "*") return "*";
  const origins = text.split(",").map((part) => part.trim());
  for (const origin of origins) {
    if (isOrigin(origin)) continue;
    const message = `expected '*' or origins such as https://app.example.com, with commas between; found '${origin}'`;
    ctx.addIssue({ code: "custom", message });
  }
  return origins;
});

/** Addresses and networks with commas between them. */
const Proxies = z.string().transform((text, ctx): string[] => {
  const networks = text.split(",").map((part) => part.trim());
  try {
    proxyList(networks);
  } catch (error) {
    const found = error instanceof Error ? error.message : "";
    const message = `expected addresses or networks such as 10.0.0.0/8, with commas between; ${found}`;
    ctx.addIssue({ code: "custom", message });
  }
  return networks;
});

const EnvSchema = z.object({
  /** Address to listen on. Put a TLS-terminating proxy in front before choosing a public one. */
  EDGE_LISTEN: ListenAddress.prefault("127.0.0.1:8080"),
  /** Folder of the database and of stored assets; created 0700. */
  EDGE_DATA_DIR: z.string().min(1).default(".comfyfleet/edge"),
  /** Pods reached with the `direct` transport. */
  EDGE_PODS: PodList,
  /** Unix socket of a tailscaled: pods of its tailnet are found and reached through it. */
  TS_SOCKET: z.string().min(1).max(107, "expected at most 107 characters: a socket's path has no more").optional(),
  /** Port of the agents on the tailnet. */
  TAILNET_AGENT_PORT: z.coerce.number().int().min(1).max(65_535).default(AGENT_PORT),
  /** Between two pings that keep the path to a pod warm. */
  TAILNET_PING_MS: durationMs(60_000, 1_000),
  /** A full `cfl_…` key to install as the first administrator key, where nobody runs `comfyfleet up`. */
  EDGE_BOOTSTRAP_KEY: z.string().optional(),
  /** What signs addresses of files and seals what is kept for others; without it `secret.key` in the data folder. */
  EDGE_SECRET_KEY: z.string().regex(/^[0-9a-fA-F]{64}$/, "expected 64 hex digits: openssl rand -hex 32").optional(),
  /** Web pages of these origins may call the edge; without it none but those that the edge itself serves. */
  EDGE_CORS_ORIGINS: Origins.default([]),
  /** Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` count. */
  EDGE_TRUSTED_PROXIES: Proxies.default([]),
  /** Where callers reach this edge, for links in answers; without it the origin that each request names. */
  EDGE_PUBLIC_URL: Origin.optional(),
  /** Stop when standard input ends: for a parent that holds its other end, however that parent dies. */
  EDGE_STOP_WITH_PARENT: z.stringbool().default(false),
  /** Largest workflow, as JSON bytes. */
  MAX_WORKFLOW_BYTES: sizeBytes(4 * MIB),
  /** Largest uploaded asset and largest output of a job. */
  MAX_UPLOAD_BYTES: sizeBytes(512 * MIB),
  /** How long a signed address of an asset's bytes works without a key. */
  ASSET_URL_TTL_MS: durationMs(3_600_000, 1_000),
  /** Hard cap on one attempt's run unless the job says otherwise. */
  JOB_RUN_TIMEOUT_MS: durationMs(3_600_000, 1_000),
  /** Infrastructure losses after which a job fails instead of being queued again. */
  JOB_MAX_LOSSES: z.coerce.number().int().min(0).default(20),
  /** How long the Comfy API v2 holds a GET of an unfinished job that does not say. */
  V2_HOLD_MS: z.coerce.number().int().min(0).max(MAX_JOB_WAIT_MS).default(5_000),
  /** Event streams of the Comfy API v2 that one tenant may have open. */
  V2_MAX_STREAMS: z.coerce.number().int().min(1).default(100),
  /** Requests to the Comfy API v2 that one tenant may send a second; twice as many at once. */
  V2_REQUESTS_PER_SECOND: z.coerce.number().int().min(1).default(500),
  /** How long a job and its outputs are kept after its end; then they are not found, and removed. */
  JOB_RETENTION_MS: z.coerce.number().int().min(1_000).max(MAX_RETENTION_MS).default(DEFAULT_RETENTION_MS),
  /** Queued jobs of one tenant; a submit beyond that is refused. */
  TENANT_MAX_QUEUED: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  /** Time between heartbeats to a pod. */
  POD_BEAT_MS: durationMs(5_000, 50),
  /** Silence after which a pod is shown as unreachable, and after which its jobs are queued again. */
  POD_UNREACHABLE_MS: durationMs(30_000, 100),
  POD_LOST_MS: durationMs(60_000, 200),
  ...CONTROL_SETTINGS,
  ...OTLP_SETTINGS,
  LOG_LEVEL: z.enum(["debug", "info", "warning", "error"]).default("info"),
}).refine((env) => env.POD_LOST_MS > env.POD_UNREACHABLE_MS, {
  path: ["POD_LOST_MS"],
  message: "expected more than POD_UNREACHABLE_MS",
}).superRefine(refuseHalfControl);

/** Every variable the edge reads; the entry points read these and no others. */
export const CONFIG_NAMES: readonly string[] = Object.keys(EnvSchema.shape);

export type Config = z.output<typeof EnvSchema>;

/** Says every problem of the configuration, one a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

function resolveFile(name: string, value: string, readFile: (path: string) => string): string {
  if (!value.startsWith("file:")) return value;
  try {
    return readFile(value.slice("file:".length)).trim();
  } catch (cause) {
    throw new ConfigError(`${name}: cannot read ${value}`, { cause });
  }
}

/**
 * @param env only the names in {@link CONFIG_NAMES} are looked at; empty strings count as unset
 * @throws ConfigError naming every problem
 */
export function parseConfig(env: Record<string, string | undefined>, readFile: (path: string) => string): Config {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of CONFIG_NAMES) {
    const value = env[name];
    if (value === undefined || value === "") continue;
    try {
      values[name] = resolveFile(name, value, readFile);
    } catch (error) {
      problems.push(error instanceof ConfigError ? error.message : `${name}: cannot be read`);
    }
  }
  const parsed = EnvSchema.safeParse(values);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
  }
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(`Cannot start the edge: its configuration is wrong\n  ${problems.join("\n  ")}`);
  }
  return parsed.data;
}
