/** One HTTP call to ComfyUI: a deadline, the caller's signal, and failures told apart by what they prove. */
import type { z } from "zod";
import { FleetError } from "../../../contracts/errors.ts";
import type { Exchange, Reply } from "./exchange.ts";

export interface Call {
  method?: "GET" | "POST";
  /** Path and query. */
  path: string;
  /** Sent as JSON. */
  json?: unknown;
  form?: FormData;
  /** For the whole answer, body included. */
  timeoutMs: number;
  signal: AbortSignal;
}

export type Fetch = typeof globalThis.fetch;

/**
 * Reads the whole answer as text.
 * @throws the caller's abort reason, or FleetError `comfy_unavailable` when no answer came; {@link isRefused} tells
 *   whether anybody was there
 */
export async function call(fetch: Fetch, baseUrl: string, options: Call): Promise<Reply> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const response = await send(fetch, baseUrl, { ...options, until: deadline });
  try {
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw failure(error, options.signal);
  }
}

/** The same for what has no form, over an exchange of its own. */
export async function exchangeText(exchange: Exchange, baseUrl: string, options: Call): Promise<Reply> {
  const { method = "GET", path, json, timeoutMs, signal } = options;
  try {
    return await exchange(baseUrl, { method, path, json, timeoutMs, signal });
  } catch (error) {
    throw failure(error, signal);
  }
}

/** {@link call} with the body left to the caller: the deadline holds until the headers, the signal to the end. */
export async function callForBody(fetch: Fetch, baseUrl: string, options: Call): Promise<Response> {
  const headers = new AbortController();
  const timer = setTimeout(
    () => headers.abort(new DOMException("no answer in time", "TimeoutError")),
    options.timeoutMs,
  );
  try {
    return await send(fetch, baseUrl, { ...options, until: headers.signal });
  } finally {
    clearTimeout(timer);
  }
}

async function send(fetch: Fetch, baseUrl: string, options: Call & { until: AbortSignal }): Promise<Response> {
  try {
    return await fetch(`${baseUrl}${options.path}`, {
      method: options.method ?? "GET",
      ...bodyOf(options),
      signal: AbortSignal.any([options.signal, options.until]),
      redirect: "error",
    });
  } catch (error) {
    throw failure(error, options.signal);
  }
}

function bodyOf({ json, form }: Call): RequestInit {
  if (form !== undefined) return { body: form };
  return json === undefined ? {} : { body: JSON.stringify(json), headers: { "content-type": "application/json" } };
}

function failure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  const what = timedOut ? "it did not answer in time" : isRefused(error) ? "nothing listens" : "the connection broke";
  return new FleetError("comfy_unavailable", `Cannot reach ComfyUI: ${what}`, { cause: error });
}

/** True when the connection was refused: nothing was sent and nobody listens. */
export function isRefused(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ("code" in cause && cause.code === "ECONNREFUSED") return true;
    if (cause instanceof AggregateError && cause.errors.some(isRefused)) return true;
  }
  return false;
}

/** An answer that is neither a success nor one that the caller knows. */
export function unexpected(what: string, reply: { status: number }): FleetError {
  return new FleetError("comfy_unavailable", `Cannot ${what}: ComfyUI answered ${reply.status}`, {
    hint: "Look at the pod's ComfyUI log.",
  });
}

/** @throws FleetError `comfy_unavailable` when the text is no JSON of this shape */
export function parseReply<T>(what: string, reply: Reply, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(reply.text));
  } catch (cause) {
    throw new FleetError("comfy_unavailable", `Cannot ${what}: ComfyUI's answer has a shape that is not known`, {
      hint: "Is this address really ComfyUI's, and of a version that is supported?",
      cause,
    });
  }
}
