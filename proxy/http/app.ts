/** The edge's HTTP surface: which path goes where, with authentication, request ids, errors and one log line each. */
import { Hono } from "hono";
import { EDGE_ROUTES, EXPECTED_SHA256_HEADER } from "../../contracts/edge/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import { METRICS_CONTENT_TYPE } from "../../contracts/telemetry/metrics.ts";
import { type TraceContext, TRACEPARENT_HEADER } from "../../contracts/telemetry/trace-context.ts";
import type { Caller } from "../../contracts/tenant.ts";
import { requireScope } from "../../contracts/trpc.ts";
import { parseFileName } from "../assets/file-path.ts";
import type { Assets } from "../assets/port.ts";
import type { EdgeMetrics } from "../telemetry/edge-metrics.ts";
import type { Logger } from "../telemetry/logger.ts";
import { allowOrigins, type CorsOrigins } from "./cors.ts";
import { edgeStopping, errorResponse } from "./error-response.ts";
import { type ProxyList, proxyList } from "../proxy-list.ts";
import { senderOf } from "./forwarded.ts";
import type { Health } from "./health.ts";
import { type Observation, observeRequest } from "./observe.ts";
import type { PassThrough } from "./pass-through.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import type { TrpcHandler } from "./trpc.ts";
import { v2ErrorResponse } from "./v2/errors.ts";
import type { V2Handler } from "./v2/app.ts";

export interface AppOptions {
  /** Null for a missing, malformed, unknown or revoked key. */
  authenticate: (authorization: string | null) => Promise<Caller | null>;
  trpc: TrpcHandler;
  pods: PassThrough;
  assets: Pick<Assets, "upload" | "download">;
  /** The Comfy API v2. */
  v2: V2Handler;
  health: Health;
  corsOrigins: CorsOrigins;
  /** Whose word about a request's sender counts. Default: nobody's. */
  trustedProxies?: ProxyList;
  logger: Logger;
  /** Aborted when the edge stops. */
  stopping: AbortSignal;
  clock: Observation["clock"];
  metrics: EdgeMetrics;
  /** Brings the gauges up to date before they are read. */
  readGauges: () => Promise<void>;
  /** Null: spans go nowhere. */
  record: Observation["record"];
}

interface AppEnv {
  Bindings: { remote?: string | null } | undefined;
  Variables: { requestId: string; caller: Caller | null; trace: TraceContext; origin: string | null };
}

const QUIET = new Set<string>([EDGE_ROUTES.livez, EDGE_ROUTES.readyz, EDGE_ROUTES.metrics]);

function expectedSha256(headers: Headers): string | undefined {
  const value = headers.get(EXPECTED_SHA256_HEADER) ?? undefined;
  if (value !== undefined && !/^[0-9a-f]{64}$/.test(value)) {
    throw new FleetError("invalid_input", `Cannot read ${EXPECTED_SHA256_HEADER}: it is not 64 lowercase hex digits`, {
      hint: "Send the sha256 of the bytes in lowercase hex, or leave the header out.",
    });
  }
  return value;
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { authenticate, trpc, pods, v2, assets, health, corsOrigins, logger, stopping, metrics } = options;
  const { trustedProxies = proxyList([]) } = options;
  const app = new Hono<AppEnv>();
  const cors = allowOrigins(corsOrigins);
  if (cors) app.use(cors);

  app.use(async function observe(c, next) {
    const { method, path } = c.req;
    const observed = observeRequest(options, { method, traceparent: c.req.header(TRACEPARENT_HEADER) ?? null });
    const requestId = requestIdOf(c.req.raw);
    c.set("requestId", requestId);
    c.set("trace", observed.trace);
    const { client, origin } = senderOf(trustedProxies, { headers: c.req.raw.headers, remote: c.env?.remote ?? null });
    c.set("origin", origin);
    c.set("caller", await authenticate(c.req.header("authorization") ?? null));
    await next();
    // Not c.header(): that makes the response anew around its body, and a stream then waits a turn of the timers on Node.
    c.res.headers.set(REQUEST_ID_HEADER, requestId);
    if (!QUIET.has(path)) {
      observed.done({ path, status: c.res.status, tenant: c.get("caller")?.tenantId, requestId, client });
    }
  });

  app.get(EDGE_ROUTES.livez, (c) => c.text("ok"));
  app.get(EDGE_ROUTES.readyz, async (c) => {
    const { ready, status } = await health.ready();
    return c.json({ status }, ready ? 200 : 503);
  });
  app.get(EDGE_ROUTES.healthz, async (c) => {
    requireScope(c.get("caller"), "pods:read");
    const components = await health.components();
    const ok = components.every((component) => component.status === "ok");
    return c.json({ status: ok ? "ok" : "failing", components }, ok ? 200 : 503);
  });

  app.get(EDGE_ROUTES.metrics, async (c) => {
    requireScope(c.get("caller"), "metrics:read");
    await options.readGauges();
    return c.body(metrics.text(), 200, { "content-type": METRICS_CONTENT_TYPE, "cache-control": "no-store" });
  });

  app.all(`${EDGE_ROUTES.trpc}/*`, (c) => trpc(c.req.raw, c.get("caller"), c.var));

  app.all(`${EDGE_ROUTES.pods}/*`, (c) => pods(c.req.raw, c.get("caller"), c.var));

  app.all("/api/v2/*", (c) => v2(c.req.raw, c.get("caller"), c.var));

  app.use(`${EDGE_ROUTES.assets}/*`, async function refuseWhileStopping(_c, next) {
    if (stopping.aborted) throw edgeStopping();
    await next();
  });
  app.post(EDGE_ROUTES.assets, async (c) => {
    const caller = requireScope(c.get("caller"), "assets:write");
    const { asset, created } = await assets.upload(caller, {
      filePath: parseFileName(c.req.query("name") ?? ""),
      contentType: c.req.header("content-type") ?? null,
      contentLength: c.req.header("content-length") ?? null,
      expected: { sha256: expectedSha256(c.req.raw.headers) },
      expiresInMs: null,
      idempotency: null,
      body: c.req.raw.body,
      signal: c.req.raw.signal,
    });
    return c.json(asset, created ? 201 : 200);
  });
  // Hono answers HEAD with the GET route and drops the body.
  app.get(`${EDGE_ROUTES.assets}/:assetId/content`, (c) => {
    const caller = requireScope(c.get("caller"), "assets:read");
    return assets.download(caller, c.req.param("assetId"), c.req.raw);
  });

  app.notFound((c) => {
    const error = new FleetError("not_found", "Cannot find this path", {
      hint: "The API is at /trpc and /v1, the Comfy API v2 at /api/v2.",
    });
    return errorResponse(error, c.get("requestId"));
  });
  app.onError((error, c) => {
    const requestId = c.get("requestId") ?? "";
    if (!FleetError.is(error)) {
      logger.error("request failed", { path: c.req.path, requestId, trace_id: c.get("trace").traceId, error });
    }
    return c.req.path.startsWith("/api/v2/") ? v2ErrorResponse(error) : errorResponse(error, requestId);
  });
  return app;
}
