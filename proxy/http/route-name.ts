/** The name of a request's route, for metrics and spans: of a bounded set, whatever a caller sends. */
import { agentRouter } from "../../contracts/agent/router.ts";
import { edgeRouter } from "../../contracts/edge/router.ts";
import { EDGE_ROUTES } from "../../contracts/edge/routes.ts";

const PROCEDURES: ReadonlySet<string> = new Set(Object.keys(edgeRouter._def.procedures));
const POD_PROCEDURES: ReadonlySet<string> = new Set(Object.keys(agentRouter._def.procedures));
/** What `podTrpcPath` makes, and the procedure. */
const POD_CALL = new RegExp(`^${EDGE_ROUTES.pods}/[^/]+/trpc/([^/]+)$`);

const OTHER_ROUTE = "other";

/** @param path without its query */
export function routeName(method: string, path: string): string {
  if (path.startsWith(`${EDGE_ROUTES.trpc}/`)) {
    const name = path.slice(EDGE_ROUTES.trpc.length + 1);
    return PROCEDURES.has(name) ? name : OTHER_ROUTE;
  }
  const passed = POD_CALL.exec(path)?.[1];
  if (passed !== undefined) return POD_PROCEDURES.has(passed) ? `pod:${passed}` : OTHER_ROUTE;
  if (path === EDGE_ROUTES.healthz) return "healthz";
  if (path === EDGE_ROUTES.assets && method === "POST") return "assets.upload";
  if (path.startsWith(`${EDGE_ROUTES.assets}/`) && path.endsWith("/content")) return "assets.download";
  return OTHER_ROUTE;
}
