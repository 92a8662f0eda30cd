/** The route table: most routes exist twice, and an unknown method on a known path says which methods it has. */
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { BodySource } from "./body.ts";
import { textReply } from "./replies.ts";
import type { App, ServerContext } from "./server-context.ts";

/** A request as handlers see it. */
export interface RequestView extends BodySource {
  /** A parameter of the path, decoded; empty when the route has none of that name. */
  readonly param: (name: string) => string;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
}

/** Answers a request. */
export type Handler = (request: RequestView) => Response | Promise<Response>;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Registers handlers on an app. */
export class Routes {
  readonly #app: App;
  readonly #context: ServerContext;
  readonly #known: { method: Method; pattern: RegExp }[] = [];

  constructor(app: App, context: ServerContext) {
    this.#app = app;
    this.#context = context;
  }

  /** `/x` and `/api/x`. */
  both(method: Method, path: string, handler: Handler): void {
    this.one(method, path, handler);
    this.one(method, `/api${path}`, handler);
  }

  one(method: Method, path: string, handler: Handler): void {
    this.#known.push({ method, pattern: new RegExp(`^${path.replaceAll(/:[a-z]+/g, "[^/]+")}$`) });
    this.#app.on(method, path, (context) => handler(viewOf(context, this.#context.options.maxBodyBytes)));
  }

  /** The answer for what no route took: 405, or 404 as from a directory of static files. */
  fallback(method: string, path: string): Response {
    const here = this.#known.filter((route) => route.pattern.test(path)).map((route) => route.method);
    return noRoute(method, here);
  }
}

/** 404 without JSON to who reads, 405 to others: a directory of static files lies behind every path. */
export function noRoute(method: string, otherMethods: readonly string[] = []): Response {
  if (method === "GET" || method === "HEAD") {
    return new Response(null, { status: 404, headers: { "content-type": "application/octet-stream" } });
  }
  const allow = [...new Set(["GET", "HEAD", ...otherMethods])].sort().join(",");
  return textReply("405: Method Not Allowed", 405, { allow });
}

function viewOf(context: Context<{ Bindings: HttpBindings }>, maxBytes: number): RequestView {
  const incoming: IncomingMessage = context.env.incoming as IncomingMessage;
  const url = incoming.url ?? "/";
  const mark = url.indexOf("?");
  return {
    incoming,
    maxBytes,
    param: (name) => context.req.param(name) ?? "",
    query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
    header: (name) => context.req.header(name),
  };
}
