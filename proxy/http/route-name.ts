/** The name of a request's route, for metrics and spans: of a bounded set, whatever a caller sends. */
import { agentRouter } from "../../contracts/agent/router.ts";
import { edgeRouter } from "../../contracts/edge/router.ts";
import { EDGE_ROUTES, V2_ROUTES } from "../../contracts/edge/routes.ts";

const PROCEDURES: ReadonlySet<string> = new Set(Object.keys(edgeRouter._def.procedures));
const POD_PROCEDURES: ReadonlySet<string> = new Set(Object.keys(agentRouter._def.procedures));
/** What `podTrpcPath` makes, and the procedure. */
const POD_CALL = new RegExp(`^${EDGE_ROUTES.pods}/[^/]+/trpc/([^/]+)$`);

const OTHER_ROUTE = "other";

const V2_JOB_PARTS: Readonly<Record<string, string>> = {
  "": "get",
  events: "events",
  workflow: "workflow",
  cancel: "cancel",
};

/** Of a path below the Comfy API v2's jobs or assets: what stands behind the id, or that there is none. */
function v2RouteName(method: string, path: string): string {
  if (path === V2_ROUTES.jobs) return method === "POST" ? "v2.jobs.submit" : "v2.jobs.list";
  if (path === V2_ROUTES.assets) return "v2.assets.upload";
  const [, kind, id = "", part = "", more] = /^\/api\/v2\/(jobs|assets)\/([^/]+)(?:\/([^/]+))?(\/.*)?$/.exec(path) ??
    [];
  if (kind === undefined || more !== undefined) return OTHER_ROUTE;
  if (kind === "jobs") return Object.hasOwn(V2_JOB_PARTS, part) ? `v2.jobs.${V2_JOB_PARTS[part]}` : OTHER_ROUTE;
  if (id === "by-hash") return "v2.assets.by-hash";
  if (part !== "") return part === "content" ? "v2.assets.content" : OTHER_ROUTE;
  if (id === "from-hash") return "v2.assets.from-hash";
  return method === "DELETE" ? "v2.assets.delete" : "v2.assets.get";
}

/** @param path without its query */
export function routeName(method: string, path: string): string {
  if (path.startsWith(`${EDGE_ROUTES.trpc}/`)) {
    const name = path.slice(EDGE_ROUTES.trpc.length + 1);
    return PROCEDURES.has(name) ? name : OTHER_ROUTE;
  }
  const passed = POD_CALL.exec(path)?.[1];
  if (passed !== undefined) return POD_PROCEDURES.has(passed) ? `pod:${passed}` : OTHER_ROUTE;
  if (path.startsWith("/api/v2/")) return v2RouteName(method, path);
  if (path === EDGE_ROUTES.healthz) return "healthz";
  if (path === EDGE_ROUTES.assets && method === "POST") return "assets.upload";
  if (path.startsWith(`${EDGE_ROUTES.assets}/`) && path.endsWith("/content")) return "assets.download";
  return OTHER_ROUTE;
}
