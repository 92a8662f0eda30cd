/** Requests to an edge or an agent without the SDK: what is sent is exactly what the test says. */
import superjson from "superjson";
import { z } from "zod";
import { ErrorEnvelope } from "../../../contracts/errors.ts";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The error envelope, wherever the body has it. */
  error: ErrorEnvelope | null;
}

const RawBody = z.object({ error: ErrorEnvelope });
const TrpcBody = z.object({ error: z.object({ json: z.object({ data: z.object({ fleet: ErrorEnvelope }) }) }) });

function envelopeOf(text: string): ErrorEnvelope | null {
  try {
    const body: unknown = JSON.parse(text);
    const raw = RawBody.safeParse(body);
    return raw.success ? raw.data.error : TrpcBody.parse(body).error.json.data.fleet;
  } catch {
    return null;
  }
}

export interface AskOptions extends RequestInit {
  /** Sent as the bearer token. */
  key?: string;
  /** Node's fetch wants it with a streamed body. */
  duplex?: "half";
}

export async function ask(url: string, { key, ...init }: AskOptions = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000), ...init, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, error: envelopeOf(text) };
}

/** A mutation whose body is this text. */
export function postText(url: string, body: string, key?: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  return ask(url, { method: "POST", body, headers, ...(key === undefined ? {} : { key }) });
}

export interface SubmitBody {
  workflow: unknown;
  options?: Record<string, unknown>;
}

/** `jobs.submit` past every check of the SDK; superjson carries NaN and Infinity, as a foreign client's would. */
export function submitRaw(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  { workflow, options = {} }: SubmitBody,
): Promise<Answer> {
  const body = superjson.stringify({ spec: { kind: "workflow", workflow }, options });
  return postText(`${baseUrl}/trpc/jobs.submit`, body, apiKey);
}

/** A query as the typed client sends it. */
export function queryRaw(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  procedure: string,
  input: unknown,
): Promise<Answer> {
  const query = encodeURIComponent(superjson.stringify(input));
  return ask(`${baseUrl}/trpc/${procedure}?input=${query}`, { key: apiKey });
}
