/** The agent's HTTP surface: authentication first, then its router and the raw paths of contracts/agent/routes.ts. */
import type { HttpBindings } from "@hono/node-server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import type {
  AgentContext,
  AttemptsPort,
  ComfyPort,
  GpuPort,
  PodPort,
  TailnetPort,
} from "../../contracts/agent/ports.ts";
import type { AgentCaller } from "../../contracts/agent/caller.ts";
import { agentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import { parseTraceparent, TRACEPARENT_HEADER } from "../../contracts/telemetry/trace-context.ts";
import type { InputStore } from "../attempts/input-store.ts";
import type { Workspace } from "../attempts/workspace.ts";
import type { Comfy } from "../comfy/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Access } from "./access.ts";
import { readLimited } from "../../contracts/http/body-limit.ts";
import { errorResponse } from "./error-response.ts";
import { inputResponse, UPLOAD_STALL_MS } from "./input-route.ts";
import { metricsResponse } from "./metrics-route.ts";
import { outputResponse } from "./output-route.ts";

export interface AppOptions {
  access: Access;
  pod: PodPort;
  attempts: AttemptsPort;
  gpu: GpuPort;
  inputs: InputStore;
  workspace: Workspace;
  comfy: Pick<Comfy, "objectInfo">;
  /** Prometheus text. */
  metrics: () => Promise<string>;
  operator: ComfyPort;
  tailnet: TailnetPort;
  maxInputBytes: number;
  /** Largest procedure call, the workflow included. */
  maxCallBytes: number;
  logger: Logger;
}

interface AppEnv {
  Variables: { requestId: string; caller: AgentCaller | null };
  Bindings: Partial<HttpBindings>;
}

const REQUEST_ID_HEADER = "x-request-id";
/** Under the prefix of procedures. tRPC would take escapes and further slashes too, by which access goes for another name. */
const PLAIN_NAME = /^[\w.]+$/;
const HARMLESS_ID = /^[\w.:-]{1,100}$/;

function requestIdOf(given: string | undefined): string {
  return given !== undefined && HARMLESS_ID.test(given) ? given : crypto.randomUUID();
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { attempts, inputs, workspace, logger } = options;
  const app = new Hono<AppEnv>();

  app.use(async function authenticate(c, next) {
    const requestId = requestIdOf(c.req.header(REQUEST_ID_HEADER));
    c.set("requestId", requestId);
    const call = { authorization: c.req.header("authorization"), url: c.req.url, socket: c.env.incoming?.socket };
    c.set("caller", options.access(call));
    await next();
    // Not c.header(): that makes the response anew around its body, and a stream then waits a turn of the timers.
    c.res.headers.set(REQUEST_ID_HEADER, requestId);
  });

  app.all(`${AGENT_ROUTES.trpc}/*`, (c) => answerCall(c.req.raw, c.var, options));
  app.put(
    `${AGENT_ROUTES.inputs}/:sha256`,
    (c) =>
      inputResponse(c.req.raw, c.req.param("sha256"), {
        inputs,
        maxInputBytes: options.maxInputBytes,
        stallMs: UPLOAD_STALL_MS,
      }),
  );
  // Hono answers HEAD with the GET route and drops the body.
  app.get(`${AGENT_ROUTES.attempts}/:attemptId/outputs/:index`, (c) =>
    outputResponse({
      method: c.req.method,
      attemptId: c.req.param("attemptId"),
      index: c.req.param("index"),
      range: c.req.header("range"),
      ifRange: c.req.header("if-range"),
      ifNoneMatch: c.req.header("if-none-match"),
    }, { attempts, workspace }));
  app.get(`${AGENT_ROUTES.objectInfo}/:sha256`, (c) => {
    const info = options.comfy.objectInfo();
    if (info === null || info.sha256 !== c.req.param("sha256")) throw objectInfoGone();
    return c.body(info.body, 200, { "content-type": "application/json", etag: `"${info.sha256}"` });
  });

  app.get(AGENT_ROUTES.metrics, () => metricsResponse(options.metrics));

  app.notFound((c) => errorResponse(noSuchPath(), { path: c.req.path, requestId: c.get("requestId") }));
  app.onError((error, c) => {
    const requestId = c.get("requestId");
    if (!FleetError.is(error)) logger.error("request failed", { path: c.req.path, requestId, error });
    const response = errorResponse(error, { path: c.req.path, requestId });
    response.headers.set(REQUEST_ID_HEADER, requestId);
    return response;
  });
  return app;
}

async function answerCall(request: Request, from: AppEnv["Variables"], options: AppOptions): Promise<Response> {
  const { pod, attempts, gpu, operator, tailnet, logger } = options;
  const { requestId, caller } = from;
  const name = new URL(request.url).pathname.slice(AGENT_ROUTES.trpc.length + 1);
  if (!PLAIN_NAME.test(name)) throw noSuchPath();
  const trace = parseTraceparent(request.headers.get(TRACEPARENT_HEADER)) ?? undefined;
  return await fetchRequestHandler({
    endpoint: AGENT_ROUTES.trpc,
    req: await readLimited(request, { maxBytes: options.maxCallBytes, setting: "AGENT_MAX_CALL_BYTES" }),
    router: agentRouter,
    allowBatching: false,
    createContext: (): AgentContext => ({ pod, attempts, gpu, comfy: operator, tailnet, requestId, trace, caller }),
    onError({ error, path }) {
      const foreseen = FleetError.is(error.cause) || error.code !== "INTERNAL_SERVER_ERROR";
      if (foreseen || request.signal.aborted) return;
      logger.error("procedure failed", { path, requestId, trace_id: trace?.traceId ?? null, error });
    },
  });
}

function noSuchPath(): FleetError {
  return new FleetError("not_found", "Cannot find this path", { hint: "The agent's API is at /trpc." });
}

function objectInfoGone(): FleetError {
  return new FleetError("not_found", "Cannot find this /object_info: ComfyUI has another one now, or none", {
    hint: "Ask pod.describe for the current hash.",
  });
}
