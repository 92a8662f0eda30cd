/** The agent's settings of the tailnet, and when it is on. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { type DaemonFiles, daemonFiles, MAX_SOCKET_PATH_BYTES } from "../../contracts/tailnet/daemon.ts";
import { DEFAULT_CAPABILITY } from "../../contracts/tailnet/words.ts";

export const TAILNET_SETTINGS = {
  /** Whether edges come over a tailnet. Unset: as {@link isTailnetMeant} says. */
  ENABLE_TAILSCALE: z.stringbool(),
  /** With which the node joins once: the key itself, or `file:PATH`, which may be gone once it has joined. */
  TS_AUTHKEY: z.string().optional(),
  /** LocalAPI of a tailscaled that is there already, and never started, stopped or logged out from here. */
  TS_SOCKET: z.string().min(1).optional(),
  /** Of headscale for instance. Default: Tailscale's own. */
  TS_CONTROL_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Default: the pod's id, or a part of the boot id while it has none. */
  TS_HOSTNAME: z.string().regex(/^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/, "expected a host name").optional(),
  /** Name of the app capability by which the policy grants roles. */
  TAILNET_CAPABILITY: z.string().regex(/^[^\s/]+\/\S+$/, "expected DOMAIN/PATH").default(DEFAULT_CAPABILITY),
  TAILSCALED: z.string().min(1).default("tailscaled"),
};

/** In the state directory, so that who has the one has the other. */
export function tailnetFiles({ AGENT_STATE_DIR }: { AGENT_STATE_DIR: string }): DaemonFiles {
  return daemonFiles(join(resolve(AGENT_STATE_DIR), "tailnet"));
}

/** On where there is a key, a daemon, or the state of one that has joined before. */
export function isTailnetMeant(
  { TS_AUTHKEY, TS_SOCKET, AGENT_STATE_DIR }: { TS_AUTHKEY?: string; TS_SOCKET?: string; AGENT_STATE_DIR: string },
  exists: (path: string) => boolean,
): boolean {
  return TS_AUTHKEY !== undefined || TS_SOCKET !== undefined || exists(tailnetFiles({ AGENT_STATE_DIR }).state);
}

interface Checked {
  ENABLE_TAILSCALE: boolean;
  TS_SOCKET?: string | undefined;
  AGENT_LISTEN: { host: string };
  AGENT_STATE_DIR: string;
}

/** What is wrong with the settings together, by name. */
export function tailnetProblems(env: Checked): [name: string, message: string][] {
  if (!env.ENABLE_TAILSCALE) return [];
  const problems: [string, string][] = [];
  if (env.AGENT_LISTEN.host !== "127.0.0.1") {
    problems.push([
      "AGENT_LISTEN",
      "expected 127.0.0.1, which is where tailscaled hands over what comes by the tailnet",
    ]);
  }
  const isTooLong = Buffer.byteLength(tailnetFiles(env).socket) > MAX_SOCKET_PATH_BYTES;
  if (env.TS_SOCKET === undefined && isTooLong) {
    problems.push(["AGENT_STATE_DIR", `expected a shorter path: ${tailnetFiles(env).socket} is too long for a socket`]);
  }
  return problems;
}
