/** The HTTP side put together: what happens to every request, and all routes. */
import { Hono } from "hono";
import type { HttpBindings } from "@hono/node-server";
import { addAssetRoutes } from "./assets.ts";
import { BodyTooLarge } from "./body.ts";
import { addHistoryRoutes } from "./history.ts";
import { addInfoRoutes } from "./info.ts";
import { addInternalRoutes } from "./internal.ts";
import { addJobRoutes } from "./jobs.ts";
import { addModelRoutes } from "./models.ts";
import { isForeign } from "./origin-guard.ts";
import { addPromptRoutes } from "./prompt.ts";
import { addQueueRoutes } from "./queue.ts";
import { emptyReply, textReply, troubleReply } from "./replies.ts";
import { noRoute, Routes } from "./routes.ts";
import type { App, ServerContext } from "./server-context.ts";
import { addUploadRoutes } from "./upload.ts";
import { addUserDataRoutes } from "./user-data.ts";
import { addViewRoutes } from "./view.ts";

/** Sent with every answer under `--disable-api-nodes`. */
const CONTENT_SECURITY_POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; " +
  "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' data:; " +
  "frame-src 'self'; object-src 'self';";

/** All routes of one server. */
export function createApp(context: ServerContext): App {
  const app: App = new Hono<{ Bindings: HttpBindings }>();
  const routes = new Routes(app, context);
  app.use(async (request, next) => {
    if (context.faults.any) await context.faults.beforeRequest();
    if (isForeign((name) => request.req.header(name))) return emptyReply(403);
    if (request.req.method === "OPTIONS") return emptyReply(200);
    if (context.faults.hides(request.req.path)) return noRoute(request.req.method);
    await next();
    if (context.options.disableApiNodes) request.res.headers.set("content-security-policy", CONTENT_SECURITY_POLICY);
    return undefined;
  });
  addPromptRoutes(routes, context);
  addQueueRoutes(routes, context);
  addHistoryRoutes(routes, context);
  addJobRoutes(routes, context);
  addViewRoutes(routes, context);
  addUploadRoutes(routes, context);
  addUserDataRoutes(routes, context);
  addModelRoutes(routes, context);
  addInfoRoutes(routes, context);
  addInternalRoutes(routes, context);
  addAssetRoutes(routes);
  routes.both(
    "GET",
    "/ws",
    () => textReply('No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".', 400),
  );
  app.notFound((request) => routes.fallback(request.req.method, request.req.path));
  app.onError((error) => {
    if (error instanceof BodyTooLarge) return textReply(error.message, 413);
    context.log.error(`Error handling request: ${error.message}`);
    return troubleReply();
  });
  return app;
}

/** Every route as `METHOD /path/:parameter`. HEAD goes with GET. */
export function routesOf(app: App): string[] {
  return app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
}
