/**
 * One pod without an edge in between: for operators on the tailnet, whom its policy grants `observe` or `operate`. The
 * same typed contract; the agent knows its callers by their node, so that there is no key.
 */
import { createTRPCClient } from "@trpc/client";
import type { LogEvent } from "../contracts/agent/comfy.ts";
import type { AgentRouter } from "../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../contracts/agent/routes.ts";
import { FleetError } from "../contracts/errors.ts";
import { AGENT_PORT } from "../contracts/tailnet/words.ts";
import { formatTraceparent, newTrace } from "../contracts/telemetry/trace-context.ts";
import type { Dial } from "./dial.ts";
import { fetchOver } from "./dial-fetch.ts";
import { typedCall } from "./typed-call.ts";
import { createLinks } from "./links.ts";
import { followLogs, type PodClient, type PodLogsOptions } from "./pod.ts";

export interface PodClientOptions {
  /** The pod's name or address on the tailnet. */
  host: string;
  /** @default 8189 */
  port?: number;
  /**
   * Opens the connection where this machine has no route to the tailnet: through a tailscaled in userspace mode. On Node
   * alone. @default the machine's own routes
   */
  dial?: Dial;
  /** @default globalThis.fetch; with `dial`, one over its connections */
  fetch?: typeof fetch;
  /** Deadline of one call; streams have none. @default 30_000 */
  requestTimeoutMs?: number;
}

export interface DirectPod {
  /** Of its agent. */
  readonly baseUrl: string;
  /** The raw typed client; it throws tRPC's errors. */
  readonly trpc: PodClient;
  /** Runs a raw call and turns what it throws into FleetError, or into the reason of `signal` once that is aborted. */
  call<T>(work: (trpc: PodClient) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Lines of the pod's ComfyUI as they come, over cuts and restarts, until `signal` is aborted. */
  logs(options?: PodLogsOptions): AsyncIterable<LogEvent>;
}

/** Refuses what would make another URL of it. @throws FleetError `invalid_input` */
function originOf(host: string, port: number): string {
  const written = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const origin = `http://${written}:${port}`;
  if (/^[\w.:[\]-]+$/.test(host) && URL.canParse(origin)) return origin;
  throw new FleetError("invalid_input", `Cannot call the pod '${host}': this is no host name or address`, {
    hint: "Name it as 'tailscale status' does, without a scheme or a path.",
  });
}

function unreachable(baseUrl: string, cause: unknown): FleetError {
  const late = cause instanceof Error && cause.name === "TimeoutError";
  const why = late ? "no answer in time" : "the connection failed";
  return new FleetError("agent_unreachable", `Cannot reach the agent at ${baseUrl}: ${why}`, {
    hint:
      "Check that this machine is on the tailnet, that its policy lets it call the pod on this port, and that the " +
      "pod's agent runs. A tailscaled in userspace mode is used with TS_SOCKET.",
    cause,
  });
}

/** An agent says nothing else to whom it does not know; a procedure's own refusal is of another shape. */
async function isStranger(response: Response): Promise<boolean> {
  if (response.status !== 404) return false;
  const body = await response.clone().text().catch(() => "");
  return !/"fleet"\s*:/.test(body);
}

function strangerAnswer(baseUrl: string): Response {
  const fleet = new FleetError("forbidden", `Cannot call the agent at ${baseUrl}: it does not know this machine`, {
    hint: "The tailnet's policy must grant this machine's user or tag the role 'observe' or 'operate' on the pod " +
      "(docker/tailnet has an example).",
  }).toEnvelope();
  const data = { code: "FORBIDDEN", httpStatus: 403, fleet };
  return Response.json({ error: { json: { message: fleet.message, code: -32_003, data } } }, { status: 403 });
}

/** The agent at the address, in our words when it is not there or does not know us. */
function agentFetch(baseUrl: string, fetchFn: typeof fetch): typeof fetch {
  return async (input, init) => {
    let response: Response;
    try {
      response = await fetchFn(input, init);
    } catch (error) {
      if (FleetError.is(error) || (error instanceof Error && error.name === "AbortError")) throw error;
      throw unreachable(baseUrl, error);
    }
    return await isStranger(response) ? strangerAnswer(baseUrl) : response;
  };
}

/** @throws FleetError `invalid_input` for what is no host */
export function createPodClient(options: PodClientOptions): DirectPod {
  const { host, port = AGENT_PORT, dial, requestTimeoutMs = 30_000 } = options;
  const baseUrl = originOf(host, port);
  const fetchFn = options.fetch ?? (dial === undefined ? globalThis.fetch : fetchOver(dial));
  const links = createLinks({
    url: `${baseUrl}${AGENT_ROUTES.trpc}`,
    baseUrl,
    authorization: null,
    traceparent: () => formatTraceparent(newTrace()),
    fetch: agentFetch(baseUrl, fetchFn),
    requestTimeoutMs,
  });
  const trpc = createTRPCClient<AgentRouter>({ links });
  return {
    baseUrl,
    trpc,
    call: typedCall(trpc, baseUrl),
    logs: (logs) => followLogs({ client: trpc, baseUrl, what: `the log of ${host}`, far: "the pod" }, logs),
  };
}
