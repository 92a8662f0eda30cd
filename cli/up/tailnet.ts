/** The edge's node on a tailnet, as `up --tailnet` runs it: one tailscaled more, which joins before the edge starts. */
import { request } from "node:http";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { FleetError } from "../../contracts/errors.ts";
import { createSkewProbe } from "../../contracts/tailnet/clock-skew.ts";
import {
  daemonArguments,
  daemonEnvironment,
  type DaemonFiles,
  daemonFiles,
  MAX_SOCKET_PATH_BYTES,
} from "../../contracts/tailnet/daemon.ts";
import { joinTailnet } from "../../contracts/tailnet/join.ts";
import { BARE_KEY, BARE_KEY_HINT, isBareKey, unreadableKey } from "../../contracts/tailnet/key-file.ts";
import { createLocalApi } from "../../contracts/tailnet/local-api.ts";
import type { TailnetView } from "../../contracts/tailnet/state.ts";
import { makeFolder } from "../files/make-folder.ts";

export interface TailnetOptions {
  /** `file:PATH` of the flag. */
  authKey?: string | undefined;
  env: Record<string, string | undefined>;
}

/** What is started, and where its LocalAPI will be. */
export interface TailnetPlan {
  files: DaemonFiles;
  command: string[];
  env: Record<string, string>;
  logPath: string;
}

const EDGE_HOSTNAME = "comfyfleet-edge";
/** The third pipe of the child: tailscaled ends with whoever holds its other end. */
export const LIFELINE_FD = 3;

/**
 * Below the edge's own folder, which is all that an edge on Deno may open.
 * @throws FleetError `invalid_input` when the socket's path would be too long
 */
export function planTailnet(dataDir: string, env: TailnetOptions["env"]): TailnetPlan {
  const folder = resolve(dataDir);
  const files = daemonFiles(join(folder, "edge", "tailnet"));
  if (Buffer.byteLength(files.socket) > MAX_SOCKET_PATH_BYTES) {
    throw new FleetError("invalid_input", `Cannot start tailscaled: the path of its socket is too long`, {
      hint: `${files.socket} has more than ${MAX_SOCKET_PATH_BYTES} bytes: name a shorter folder with --data.`,
    });
  }
  const udpPort = Number(env.TS_PORT) || undefined;
  return {
    files,
    command: [env.TAILSCALED || "tailscaled", ...daemonArguments(files, udpPort === undefined ? {} : { udpPort })],
    env: { ...daemonEnvironment(env), TS_PARENT_DEATH_FD: String(LIFELINE_FD) },
    logPath: join(folder, "logs", "tailscaled.log"),
  };
}

/**
 * The key by the flag, else by TS_AUTHKEY; null where there is none.
 * @throws FleetError `invalid_input` as {@link refuseKeyAsArgument}, and for a file that is there and cannot be read
 */
export function readAuthKey({ authKey, env }: TailnetOptions): string | null {
  refuseKeyAsArgument({ authKey });
  const given = authKey ?? (env.TS_AUTHKEY || null);
  if (given === null || !given.startsWith("file:")) return given;
  const path = given.slice("file:".length);
  try {
    return readFileSync(path, "utf8").trim() || null;
  } catch (error) {
    const unreadable = unreadableKey(path, error);
    if (unreadable !== null) throw unreadable;
    return null;
  }
}

/** @throws FleetError `invalid_input` for a key among the arguments, where everybody on the machine reads it */
export function refuseKeyAsArgument({ authKey }: Pick<TailnetOptions, "authKey">): void {
  if (authKey !== undefined && !authKey.startsWith("file:")) {
    throw new FleetError("invalid_input", "Cannot take the key from the command line: others could read it there", {
      hint: "Write it into a file of mode 0600 and give --ts-auth-key file:PATH.",
    });
  }
}

function refused({ message, fix, state }: TailnetView): FleetError {
  const key =
    "Make a key of tag:edge (headscale preauthkeys create --tags tag:edge, or Tailscale's page of keys; not " +
    "ephemeral), and give its file with --ts-auth-key file:PATH.";
  return new FleetError("tailnet_unavailable", `Cannot join the tailnet: ${message.replace(/^Cannot join: /, "")}`, {
    hint: state === "running" || state === "stopped" ? fix ?? undefined : key,
    retryable: false,
  });
}

export interface JoinOptions extends TailnetOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Told when what it waits for changes. */
  say(message: string): void;
  /** Rejects with a reason to stop waiting: the daemon was given up. */
  failed: Promise<never>;
}

/** Resolves once the node of the daemon with this socket runs. @throws FleetError `tailnet_unavailable`, `timeout`; the signal's reason */
export async function joinAsEdge(socketPath: string, options: JoinOptions): Promise<void> {
  const { authKey, env, say, timeoutMs } = options;
  if (authKey === undefined && isBareKey(env.TS_AUTHKEY)) say(`warning: ${BARE_KEY}. ${BARE_KEY_HINT}`);
  const controlUrl = env.TS_CONTROL_URL || env.HEADSCALE_URL || undefined;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  let last = "tailscaled does not answer yet";
  const joined = joinTailnet({
    api: createLocalApi<Duplex>({ request, socketPath }),
    clock: { sleep: (ms, ending) => sleep(ms, undefined, { signal: ending }).catch(() => {}) },
    node: { hostname: env.TS_HOSTNAME || EDGE_HOSTNAME, controlUrl },
    readKey: async () => readAuthKey(options),
    clockSkew: createSkewProbe({ fetch, now: () => Date.now(), controlUrl }),
    onView({ message }) {
      last = message;
      say(`tailnet: ${message}`);
    },
  }, signal);
  const view = await Promise.race([joined, options.failed]).catch((error: unknown) => {
    options.signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new FleetError("timeout", `Cannot join the tailnet in ${timeoutMs / 1_000} s: ${last}`, {
      hint: "Look at the log of tailscaled, and check TS_CONTROL_URL (HEADSCALE_URL) and the way there.",
    });
  });
  if (view.state !== "running") throw refused(view);
}

/** Readable by this user alone, before tailscaled makes it otherwise. */
export function makeTailnetFolder({ files }: TailnetPlan): void {
  makeFolder(files.folder, 0o700);
}
