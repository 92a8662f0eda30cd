/** The pod that a command is about: one of the fleet, asked through its edge, or one of the tailnet, asked directly. */
import { createPodClient, type LogEvent, type PodClient, type PodLogsOptions } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import { AGENT_PORT } from "../../contracts/tailnet/words.ts";
import { findPod } from "../commands/find-pod.ts";
import type { CliContext } from "../context.ts";
import { dialOver } from "./dial.ts";

export interface TargetPod {
  /** As it stands in answers: `podId` of the fleet, or `host` of the tailnet. */
  named: { podId: string; name: string } | { host: string; name: string };
  name: string;
  /** What a person types to do something to this pod, e.g. `comfyfleet pods restart gpu-1`. */
  commandTo(what: string): string;
  call<T>(work: (trpc: PodClient) => Promise<T>): Promise<T>;
  logs(options: PodLogsOptions): AsyncIterable<LogEvent>;
}

/** `HOST`, `HOST:PORT`, an IPv6 address, or one in brackets with a port. */
export function parsePodHost(text: string): { host: string; port: number } {
  const [, host = text, digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? AGENT_PORT : Number(digits);
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare !== "" && port > 0 && port <= 65_535) return { host: bare, port };
  throw new FleetError("invalid_input", `Cannot call the pod '${text}': this is no HOST or HOST:PORT`, {
    hint: "Name it as 'tailscale status' does, for example pod-01jd… or 100.64.0.7.",
  });
}

/** @throws FleetError `invalid_input` */
export function directPod({ env, command }: Pick<CliContext, "env" | "command">, text: string): TargetPod {
  const { host, port } = parsePodHost(text);
  const dial = env.TS_SOCKET ? dialOver(env.TS_SOCKET) : undefined;
  const pod = createPodClient({ host, port, ...(dial === undefined ? {} : { dial }) });
  return {
    named: { host, name: text },
    name: text,
    commandTo: (what) => `${command} --pod ${text} pods ${what}`,
    call: (work) => pod.call(work),
    logs: (options) => pod.logs(options),
  };
}

/** @throws FleetError `invalid_input` */
export function requireName(wanted: string | undefined): string {
  if (wanted !== undefined) return wanted;
  throw new FleetError("invalid_input", "Cannot tell which pod is meant: none is named", {
    hint: "Name one of 'pods ls', or one of the tailnet with --pod HOST.",
  });
}

/**
 * @param wanted what was typed behind the command; with `--pod` nothing
 * @throws FleetError `invalid_input`, `not_found`
 */
export async function targetPod(
  context: CliContext,
  wanted: string | undefined,
  flags: { url?: string; key?: string },
): Promise<TargetPod> {
  const { podHost, command } = context;
  if (podHost !== undefined) {
    if (wanted === undefined) return directPod(context, podHost);
    throw new FleetError("invalid_input", `Cannot tell which pod is meant: '${wanted}', or '${podHost}' of --pod`, {
      hint: "Leave one of them out.",
    });
  }
  const fleet = context.fleet(flags);
  const { id: podId, name } = await findPod(context, fleet, requireName(wanted));
  return {
    named: { podId, name },
    name,
    commandTo: (what) => `${command} pods ${what} ${name}`,
    call: (work) => fleet.call(() => work(fleet.pod(podId))),
    logs: (options) => fleet.podLogs(podId, options),
  };
}
