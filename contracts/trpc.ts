/**
 * What both routers share: superjson, our error envelope in `error.data.fleet`, and the conversion of our errors into
 * tRPC's. A subscription that threw a plain error would be re-opened by clients for ever, so generators pass through
 * {@link typedStream}.
 */
import { initTRPC, tracked, type TRPCDefaultErrorShape, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { z } from "zod";
import { type ErrorEnvelope, FleetError, toFleetError } from "./errors.ts";
import { deserializeInput } from "./foreign-input.ts";
import { shorten } from "./shorten.ts";
import type { TraceContext } from "./telemetry/trace-context.ts";
import { type Caller, hasScope, type Scope } from "./tenant.ts";

type TRPCCode = TRPCError["code"];

const TRPC_CODES: Readonly<Record<number, TRPCCode>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  413: "PAYLOAD_TOO_LARGE",
  422: "UNPROCESSABLE_CONTENT",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR",
  502: "BAD_GATEWAY",
  503: "SERVICE_UNAVAILABLE",
  504: "GATEWAY_TIMEOUT",
};

/** tRPC's form of one of our errors. 5xx becomes CONFLICT on streams: see {@link typedStream}. */
function toTRPCError(error: FleetError, code = TRPC_CODES[error.status] ?? "INTERNAL_SERVER_ERROR"): TRPCError {
  return new TRPCError({ code, message: error.message, cause: error });
}

function invalidInput(error: z.ZodError): FleetError {
  // Zod names every unknown key in one message, and a path holds foreign keys.
  const issues = error.issues.slice(0, 20).map((issue) => ({
    path: shorten(issue.path.join("."), 300),
    message: shorten(issue.message, 300),
  }));
  const first = issues[0];
  return new FleetError("invalid_input", `Cannot read the request: ${first?.path || "input"}: ${first?.message}`, {
    hint: "Mend the fields in details.issues.",
    details: { issues },
  });
}

function invalidJson(): FleetError {
  return new FleetError("invalid_json", "Cannot read the request: it is not valid JSON", {
    hint: "JSON has no NaN, no Infinity and no trailing commas; check that all of it was sent.",
  });
}

/** tRPC's own failures (no such procedure, wrong method, unreadable body) in our words. */
export function fromTRPCError(error: TRPCError): FleetError {
  if (FleetError.is(error.cause)) return error.cause;
  // An answer of ours that breaks the contract has the same cause under another code, and is no fault of the caller.
  if (error.cause instanceof z.ZodError && error.code === "BAD_REQUEST") return invalidInput(error.cause);
  switch (error.code) {
    case "NOT_FOUND":
      return new FleetError("not_found", "Cannot find this procedure", { hint: "Check the client's version." });
    case "PARSE_ERROR":
      return invalidJson();
    case "BAD_REQUEST":
      if (error.cause instanceof SyntaxError) return invalidJson();
      return new FleetError("invalid_input", "Cannot read the request: its input is malformed", {
        hint: "Send superjson-encoded JSON as the typed client does.",
      });
    case "METHOD_NOT_SUPPORTED":
    case "UNSUPPORTED_MEDIA_TYPE":
      return new FleetError("invalid_input", "Cannot handle the request: wrong method or content type");
    case "PAYLOAD_TOO_LARGE":
      return new FleetError("payload_too_large", "Cannot accept the request: its body is too large");
    default:
      return toFleetError(error.cause);
  }
}

/** Shape of `error.data` on both contracts. */
export interface FleetErrorData extends Record<string, unknown> {
  code: TRPCDefaultErrorShape["data"]["code"];
  httpStatus: number;
  path?: string;
  fleet: ErrorEnvelope;
}

export interface RequestContext {
  /** `x-request-id`, echoed in every error. */
  requestId: string;
  /** The trace that the call belongs to, where there is one. */
  trace?: TraceContext | undefined;
}

export interface ProcedureMeta {
  /** Scope the caller needs; procedures without one are open to every caller that got this far. */
  scope?: Scope;
  /** On an agent's procedure: scope with which operators may call it through an edge; without one only edges may. */
  operator?: "pods:read" | "pods:operate" | "models:operate";
}

/** superjson both ways, but what callers send is read by a parser that does not trust it. */
const transformer = { input: { serialize: superjson.serialize, deserialize: deserializeInput }, output: superjson };

/** A stream with nothing to tell says so after every so many ms, on both contracts. */
export const STREAM_PING_MS = 15_000;

/** What a stream tells tRPC's client as its first event: to open it anew once two pings have not come, and some. */
export const STREAM_CLIENT = { reconnectAfterInactivityMs: 40_000 } as const;

/** A tRPC instance with our transformer and error envelope. */
export function createTRPC<C extends RequestContext>() {
  return initTRPC.context<C>().meta<ProcedureMeta>().create({
    transformer,
    isDev: false,
    sse: { ping: { enabled: true, intervalMs: STREAM_PING_MS }, client: STREAM_CLIENT },
    errorFormatter({ shape, error, ctx }): TRPCDefaultErrorShape & { data: FleetErrorData } {
      const fleet = fromTRPCError(error);
      const data: FleetErrorData = {
        code: shape.data.code,
        httpStatus: fleet.status,
        ...(shape.data.path === undefined ? {} : { path: shape.data.path }),
        fleet: fleet.toEnvelope(ctx?.requestId),
      };
      return { code: shape.code, message: fleet.message, data };
    },
  });
}

/** Turns what a resolver threw into tRPC's error with the fitting code; used as the first middleware of both routers. */
export function rethrowTyped(result: { ok: boolean; error?: TRPCError }): void {
  if (!result.ok && result.error && FleetError.is(result.error.cause)) throw toTRPCError(result.error.cause);
}

/**
 * Passes a stream through, with its errors as CONFLICT: tRPC's client re-opens a stream that failed with a 5xx code for
 * ever and tells nobody. The envelope inside keeps the true code.
 */
export async function* typedStream<T>(stream: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* stream;
  } catch (error) {
    throw toTRPCError(toFleetError(error), "CONFLICT");
  }
}

/** One event with the id from which a cut stream resumes. */
export interface Tracked<T> {
  id: string;
  data: T;
}

/** {@link typedStream} of events that a client resumes from. */
export async function* trackedStream<T>(events: AsyncIterable<Tracked<T>>) {
  for await (const event of typedStream(events)) yield tracked(event.id, event.data);
}

/** @throws FleetError `unauthorized` without a caller. */
export function requireCaller(caller: Caller | null): Caller {
  if (caller) return caller;
  throw new FleetError("unauthorized", "Cannot authenticate: the API key is missing, unknown or revoked", {
    hint: "Send 'Authorization: Bearer cfl_…'. An administrator makes keys with keys.create.",
  });
}

/** @throws FleetError `unauthorized` without a caller, `forbidden` without the scope. */
export function requireScope(caller: Caller | null, scope: Scope): Caller {
  const known = requireCaller(caller);
  if (hasScope(known, scope)) return known;
  throw new FleetError("forbidden", `Cannot do this: the API key lacks the scope '${scope}'`, {
    hint: "Use a key that has the scope, or ask an administrator for one.",
  });
}
