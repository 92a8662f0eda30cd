/** Answers in the forms of ComfyUI's HTTP server. */
import type { Json } from "../python.ts";

/** JSON with the content type ComfyUI sends. */
export function jsonReply(value: Json | object, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
  });
}

/** A status without a body. */
export function emptyReply(status: number): Response {
  return new Response(null, { status, headers: { "content-length": "0" } });
}

/** Plain text; `close` also ends the connection, as after an error inside a handler. */
export function textReply(text: string, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}

/** What a handler that failed answers, whatever the reason. */
export function troubleReply(): Response {
  return textReply("500 Internal Server Error\n\nServer got itself in trouble", 500, { connection: "close" });
}
