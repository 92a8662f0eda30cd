/** One HTTP request over a connection of the given agent, with `fetch`'s semantics: abort, streams, no redirects. */
import { type Agent, request as httpRequest } from "node:http";
import { FleetError } from "../../contracts/errors.ts";
import type { AgentRequest, AgentResponse } from "../pods/port.ts";
import { responseOf } from "./message-response.ts";
import { bodyOfInit, leaveBody, lengthOf, pumpBody } from "./request-body.ts";

export interface HttpTarget {
  /** Default: `node:http`'s. */
  request?: typeof httpRequest;
  agent: Agent;
  host: string;
  port: number;
}

/** What is repeated harms nobody, and nothing of a stream is lost. */
function isRepeatable(method: string, { body }: AgentRequest): boolean {
  return (method === "GET" || method === "HEAD") && (body === null || body === undefined);
}

function unreachable(cause: unknown): FleetError {
  if (FleetError.is(cause)) return cause;
  return new FleetError("agent_unreachable", "Cannot reach the agent: the connection was cut", {
    hint: "Check that the pod runs; on a tailnet 'comfyfleet tailnet check' says what is wrong on the way.",
    details: { sent: true },
    cause,
  });
}

/** A kept connection that the other side had closed meanwhile. */
class StaleConnection extends Error {}

function send(target: HttpTarget, path: string, init: AgentRequest): Promise<AgentResponse> {
  const method = init.method ?? "GET";
  const signal = init.signal ?? null;
  const headers: Record<string, string> = { ...init.headers };
  const body = bodyOfInit(init);
  if ("whole" in body && body.whole !== null) headers["content-length"] = String(lengthOf(body.whole));
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      leaveBody(init);
      return reject(signal.reason);
    }
    const { request: requestOf = httpRequest, agent, host, port } = target;
    const request = requestOf({ agent, host, port, method, path, headers });
    const onAbort = () => {
      reject(signal?.reason);
      request.destroy();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const settled = () => signal?.removeEventListener("abort", onAbort);
    let answered = false;
    request.once("response", (message) => {
      answered = true;
      settled();
      responseOf(message, method, signal).then(resolve, (error: unknown) => {
        message.destroy();
        reject(error);
      });
    });
    // An answer of another protocol closes the connection without a response and without an error.
    request.once("close", () => {
      settled();
      if (!answered) reject(unreachable(undefined));
    });
    // Stays: what comes after the answer has nobody else to hear it, and would end the process.
    request.on("error", (error) => {
      settled();
      const stale = request.reusedSocket && !FleetError.is(error);
      reject(stale ? new StaleConnection("", { cause: error }) : unreachable(error));
    });
    if ("stream" in body) void pumpBody(body.stream, request);
    else if (body.whole === null) request.end();
    else request.end(body.whole);
  });
}

/**
 * @param path with its query
 * @throws FleetError `agent_unreachable`, with `details.sent` false only where not one byte of it was sent; the signal's
 * reason when that aborts
 */
export async function httpCall(target: HttpTarget, path: string, init: AgentRequest = {}): Promise<AgentResponse> {
  try {
    return await send(target, path, init);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    if (!isRepeatable(init.method ?? "GET", init)) throw unreachable(error.cause);
  }
  return await send(target, path, init).catch((error: unknown) => {
    throw error instanceof StaleConnection ? unreachable(error.cause) : error;
  });
}
