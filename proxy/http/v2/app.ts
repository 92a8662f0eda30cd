/**
 * The Comfy API v2 (docs/comfy-api-v2.md): its paths, fields and words over the services that the typed contract is over.
 * Handlers answer with responses of their own, which nothing wraps: a stream that is passed on costs no turn of the timers.
 */
import { Hono } from "hono";
import { V2_ROUTES } from "../../../contracts/edge/routes.ts";
import { FleetError } from "../../../contracts/errors.ts";
import type { Caller, Scope } from "../../../contracts/tenant.ts";
import { requireScope } from "../../../contracts/trpc.ts";
import { edgeStopping } from "../error-response.ts";
import type { RequestFacts } from "../pod-headers.ts";
import { createAssetRoutes } from "./assets.ts";
import { v2ErrorResponse } from "./errors.ts";
import { createEventsRoute } from "./events-route.ts";
import { createJobRoutes } from "./jobs.ts";
import { createRateLimit } from "./rate-limit.ts";
import type { V2Context, V2Env, V2Options, V2Route } from "./request.ts";

export type V2Handler = (request: Request, caller: Caller | null, facts: RequestFacts) => Promise<Response>;

export function createV2(options: V2Options): V2Handler {
  const { requestsPerSecond, clock, stopping, logger } = options;
  const app = new Hono<V2Env>();
  const rate = createRateLimit({ perSecond: requestsPerSecond, clock });
  const jobs = createJobRoutes(options);
  const events = createEventsRoute(options);
  const assets = createAssetRoutes(options);

  const open = (handle: (c: V2Context) => Promise<Response>) => async (c: V2Context) => {
    if (stopping.aborted) throw edgeStopping();
    if (c.env.caller !== null) rate.take(c.env.caller.tenantId);
    return await handle(c);
  };
  /** For keys with this scope. */
  const keyed = (scope: Scope, route: V2Route) => open((c) => route(c, requireScope(c.env.caller, scope)));

  app.post(V2_ROUTES.jobs, keyed("jobs:write", jobs.submit));
  app.get(V2_ROUTES.jobs, keyed("jobs:read", jobs.list));
  app.get(`${V2_ROUTES.jobs}/:id`, keyed("jobs:read", jobs.get));
  app.get(`${V2_ROUTES.jobs}/:id/workflow`, keyed("jobs:read", jobs.workflow));
  app.get(`${V2_ROUTES.jobs}/:id/events`, keyed("jobs:read", events));
  app.post(`${V2_ROUTES.jobs}/:id/cancel`, keyed("jobs:write", jobs.cancel));
  app.post(V2_ROUTES.assets, keyed("assets:write", assets.upload));
  app.post(`${V2_ROUTES.assets}/from-hash`, keyed("assets:write", assets.fromHash));
  // Hono answers HEAD with the GET route and drops the body.
  app.get(`${V2_ROUTES.assets}/by-hash/:hash`, keyed("assets:read", assets.byHash));
  app.get(`${V2_ROUTES.assets}/:id`, keyed("assets:read", assets.get));
  app.delete(`${V2_ROUTES.assets}/:id`, keyed("assets:write", assets.remove));
  app.get(`${V2_ROUTES.assets}/:id/content`, open(assets.content));

  app.notFound(() =>
    v2ErrorResponse(
      new FleetError("not_found", "Cannot find this path", { hint: "docs/comfy-api-v2.md names those there are." }),
    )
  );
  app.onError((error, c) => {
    const { requestId, trace } = c.env;
    if (!FleetError.is(error) && !c.req.raw.signal.aborted) {
      logger.error("request failed", { path: c.req.path, requestId, trace_id: trace.traceId, error });
    }
    return v2ErrorResponse(error);
  });
  return async (request, caller, facts) =>
    await app.fetch(request, { requestId: facts.requestId, trace: facts.trace, origin: facts.origin ?? null, caller });
}
