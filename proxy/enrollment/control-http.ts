/**
 * HTTP to a control server's API: a deadline a try, a few tries with a growing, jittered pause where another may help, an
 * answer of bounded size. Nothing of a request (which may hold a secret) gets into an error; of an answer only its own
 * words about what is wrong.
 */
import { z } from "zod";
import { FleetError } from "../../contracts/errors.ts";
import { shorten } from "../../contracts/shorten.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";

export interface ControlCall {
  method: "GET" | "POST" | "DELETE";
  /** Below the base address, with its query. */
  path: string;
  json?: unknown;
  form?: Readonly<Record<string, string>>;
  accept?: string;
}

export interface ControlHttp {
  /** The answer's text; null for 404. */
  text(call: ControlCall, signal: AbortSignal): Promise<string | null>;
  /** The answer as JSON of this shape. A 404 is an error here. */
  json<T>(call: ControlCall, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
}

export interface ControlHttpOptions {
  baseUrl: string;
  /** For messages, e.g. `headscale`. */
  name: string;
  /** What to look at when the credentials are refused. */
  credentials: string;
  fetch: typeof fetch;
  clock: Clock;
  /** Headers that sign a call in; asked at every try. */
  signIn(signal: AbortSignal): Promise<Record<string, string>>;
  /** Told of a 401; true: what `signIn` gives next is new, so that one more try may help. */
  signedOut?: () => boolean;
}

const TRY_MS = 10_000;
const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;
/** Thousands of devices are a few megabytes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MAX_WORDS_CHARS = 200;

interface Answer {
  status: number;
  text: string;
  /** What the server asks to wait; null where it does not. */
  retryAfterMs: number | null;
}

/** What both servers say of a failure. */
const Words = z.object({ message: z.string() });

function wordsOf(text: string): string {
  try {
    return `: ${shorten(Words.parse(JSON.parse(text)).message, MAX_WORDS_CHARS)}`;
  } catch {
    return "";
  }
}

function retryAfterOf(headers: Headers): number | null {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) throw new RangeError(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export function createControlHttp(options: ControlHttpOptions): ControlHttp {
  const { name, clock } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");

  function unreachable(cause: unknown): FleetError {
    const why = FleetError.is(cause) ? "it does not answer in time" : "the connection failed";
    return new FleetError("tailnet_unavailable", `Cannot reach ${name}'s API: ${why}`, {
      hint: "Check its address, and that this machine reaches it.",
      cause: cause instanceof Error ? new Error(cause.message) : undefined,
    });
  }

  function refused({ status, text }: Answer): FleetError {
    const isCredentials = status === 401 || status === 403;
    const why = isCredentials ? `it refuses the credentials (HTTP ${status})` : `HTTP ${status}${wordsOf(text)}`;
    return new FleetError("tailnet_unavailable", `Cannot use ${name}'s API: ${why}`, {
      hint: isCredentials ? options.credentials : undefined,
      details: { status },
      retryable: !isCredentials && (status === 429 || status >= 500),
    });
  }

  function send(call: ControlCall, signal: AbortSignal): Promise<Answer> {
    const action = `ask ${name}`;
    return withDeadline({ clock, timeoutMs: TRY_MS, signal, action }, async (inner) => {
      const headers = new Headers(await options.signIn(inner));
      headers.set("accept", call.accept ?? "application/json");
      if (call.json !== undefined) headers.set("content-type", "application/json");
      const form = call.form === undefined ? null : new URLSearchParams(call.form);
      const response = await options.fetch(`${baseUrl}${call.path}`, {
        method: call.method,
        headers,
        body: call.json === undefined ? form : JSON.stringify(call.json),
        // To another place the credentials would go along.
        redirect: "error",
        signal: inner,
      });
      const text = await boundedText(response);
      return { status: response.status, text, retryAfterMs: retryAfterOf(response.headers) };
    });
  }

  async function answer(call: ControlCall, signal: AbortSignal): Promise<Answer> {
    for (let tries = 1;; tries++) {
      let failure: FleetError;
      let pauseMs = backoffMs(clock, tries, { firstMs: FIRST_PAUSE_MS, maxMs: MAX_PAUSE_MS });
      try {
        const found = await send(call, signal);
        if (found.status < 300 || found.status === 404) return found;
        failure = refused(found);
        if (found.status === 401 && tries === 1 && options.signedOut?.()) pauseMs = 0;
        else if (!failure.retryable) throw failure;
        pauseMs = Math.max(pauseMs, Math.min(found.retryAfterMs ?? 0, MAX_PAUSE_MS));
      } catch (error) {
        signal.throwIfAborted();
        if (FleetError.is(error) && error.code === "tailnet_unavailable" && !error.retryable) throw error;
        failure = FleetError.is(error) && error.code === "tailnet_unavailable" ? error : unreachable(error);
      }
      if (tries === MAX_TRIES) throw failure;
      await clock.sleep(pauseMs, signal);
      signal.throwIfAborted();
    }
  }

  return {
    async text(call, signal) {
      const { status, text } = await answer(call, signal);
      return status === 404 ? null : text;
    },
    async json(call, schema, signal) {
      const found = await answer(call, signal);
      if (found.status === 404) throw refused(found);
      try {
        return schema.parse(JSON.parse(found.text));
      } catch (error) {
        // What stands in the answer may be a key: only where it is wrong is told.
        const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
        const where = issue === undefined ? "it is no JSON" : `${issue.path.join(".") || "its root"} is unexpected`;
        throw new FleetError("tailnet_unavailable", `Cannot understand ${name}'s API: ${where}`, {
          hint: "Check that the address is that of the API, and its version: docs/operations.md names those that work.",
          retryable: false,
        });
      }
    },
  };
}
