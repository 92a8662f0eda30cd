/** Requests to the v2 routes without an SDK: what is sent is exactly what the test says. */
import { z } from "zod";
import type { SdkTarget } from "./connect.ts";

const Envelope = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string().min(1),
    details: z.record(z.string(), z.unknown()).nullish(),
  }),
});
export type V2Error = z.infer<typeof Envelope>["error"];

export interface V2Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Null where the body is no error. */
  error: V2Error | null;
}

export interface V2Request extends RequestInit {
  /** Instead of the target's own; null sends none. */
  key?: string | null;
}

const DEADLINE_MS = 40_000;

/** @param path below `/api/v2`, or an absolute URL */
export async function askV2(target: SdkTarget, path: string, init: V2Request = {}): Promise<V2Answer> {
  const { key = target.apiKey, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const url = path.startsWith("http") ? path : `${target.baseUrl}/api/v2${path}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS), ...rest, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, error: errorOf(response.status, text) };
}

/** A POST of JSON, or of exactly this text. */
export function jsonPost(body: unknown, headers: Record<string, string> = {}): V2Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text };
}

export function postV2(target: SdkTarget, path: string, body: unknown): Promise<V2Answer> {
  return askV2(target, path, jsonPost(body));
}

function errorOf(status: number, text: string): V2Error | null {
  if (status < 400 || text === "") return null;
  return Envelope.parse(JSON.parse(text)).error;
}
