/** `/api/assets` and `/api/tags`, as they are without `--enable-assets`: there, and switched off. */
import { emptyReply, jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MESSAGE = "Assets system is disabled. Start the server with --enable-assets to use this feature.";

export function addAssetRoutes(routes: Routes): void {
  // Asked by HEAD; Hono finds the handlers of GET for it.
  for (const path of ["", "/hash/:hash", "/tags/refine", "/seed/status"]) routes.one("GET", `/api/assets${path}`, off);
  for (const path of ["", "/from-hash", "/seed", "/seed/cancel", "/prune"]) {
    routes.one("POST", `/api/assets${path}`, off);
  }
  routes.one("GET", "/api/tags", off);
  for (const method of ["GET", "PUT", "DELETE"] as const) routes.one(method, "/api/assets/:id", ofAsset);
  routes.one("GET", "/api/assets/:id/content", ofAsset);
  for (const method of ["POST", "DELETE"] as const) routes.one(method, "/api/assets/:id/tags", ofAsset);
}

function off(): Response {
  return jsonReply({ error: { code: "SERVICE_DISABLED", message: MESSAGE, details: {} } }, 503);
}

/** An id that is no UUID is no route. */
function ofAsset({ param }: { param: (name: string) => string }): Response {
  return UUID.test(param("id")) ? off() : emptyReply(404);
}
