/** One pod as an operator meets it: the agent's own contract behind the edge, and its log over cuts. */
import type { TRPCClient } from "@trpc/client";
import type { LogEvent } from "../contracts/agent/comfy.ts";
import type { AgentRouter } from "../contracts/agent/router.ts";
import { FleetError } from "../contracts/errors.ts";
import { PodId } from "../contracts/ids.ts";
import type { Connection } from "./connection.ts";
import { oneConnection } from "./one-connection.ts";
import { overCuts } from "./over-cuts.ts";

export interface PodLogsOptions {
  /** Where to begin: so many lines back. @default 0 */
  lines?: number;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** How long edge or pod may be away before it gives up. @default 120_000 */
  outageMs?: number;
}

export type PodClient = TRPCClient<AgentRouter>;

function parsePodId(id: string): PodId {
  const parsed = PodId.safeParse(id);
  if (parsed.success) return parsed.data;
  throw new FleetError("invalid_input", `Cannot find pod '${id}': this is no pod id`, {
    hint: "List the pods to see their ids.",
  });
}

/**
 * The pod's typed contract. Only procedures that are meant for operators get through the edge; the others are refused
 * with `forbidden`. Throws tRPC's errors.
 * @throws FleetError `invalid_input` for what is no pod id
 */
export function podClient(connection: Connection, podId: string): PodClient {
  return connection.pod(parsePodId(podId));
}

export interface FollowedLog {
  client: PodClient;
  baseUrl: string;
  /** For messages, as the next one. */
  what: string;
  far?: string;
}

/** @throws as {@link followPodLogs} */
export function followLogs(
  { client, ...named }: FollowedLog,
  { lines = 0, signal, outageMs = 120_000 }: PodLogsOptions = {},
): AsyncGenerator<LogEvent, void> {
  const { comfy } = client;
  return overCuts<LogEvent>({
    ...named,
    open: (lastEventId) =>
      oneConnection<LogEvent>({
        open: (callbacks) => comfy.followLogs.subscribe({ lines, lastEventId }, callbacks),
      }, signal),
    isLast: () => false,
    hint: "Check the pod with 'comfyfleet doctor', then follow its log again.",
    signal,
    outageMs,
  });
}

/**
 * Lines of the pod's ComfyUI as they come, over cuts of the connection and restarts of ComfyUI.
 * @throws FleetError `forbidden`, `not_found`, `conflict` (attached: no log) at once; `edge_unreachable` after an outage
 */
export function followPodLogs(
  connection: Connection,
  podId: string,
  options: PodLogsOptions = {},
): AsyncGenerator<LogEvent, void> {
  const { baseUrl } = connection;
  return followLogs({ client: podClient(connection, podId), baseUrl, what: `the log of ${podId}` }, options);
}
