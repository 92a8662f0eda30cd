/** The agent's HTTP surface: authentication first, then its router and the raw paths of contracts/agent/routes.ts. */
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { AttemptsPort, ComfyPort, GpuPort, PodPort, TailnetPort } from "../../contracts/agent/ports.ts";
import type { AgentCaller } from "../../contracts/agent/caller.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { InputStore } from "../attempts/input-store.ts";
import type { Workspace } from "../attempts/workspace.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Comfy } from "../comfy/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Access } from "./access.ts";
import { answerCall, noSuchPath } from "./answer-call.ts";
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
  clock: Clock;
  logger: Logger;
}

interface AppEnv {
  Variables: { requestId: string; caller: AgentCaller | null };
  Bindings: Partial<HttpBindings>;
}

const REQUEST_ID_HEADER = "x-request-id";
const HARMLESS_ID = /^[\w.:-]{1,100}$/;

function requestIdOf(given: string | undefined): string {
  return given !== undefined && HARMLESS_ID.test(given) ? given : crypto.randomUUID();
}

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { pod, attempts, gpu, operator, tailnet, inputs, workspace, maxCallBytes, clock, logger } = options;
  const calls = { ports: { pod, attempts, gpu, comfy: operator, tailnet }, maxCallBytes, clock, logger };
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

  app.all(`${AGENT_ROUTES.trpc}/*`, (c) => answerCall(c.req.raw, c.var, calls));
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
    // Whoever leaves in the middle of its call breaks the reading of it, and nothing of ours.
    const isOurs = !FleetError.is(error) && !c.req.raw.signal.aborted;
    if (isOurs) logger.error("request failed", { path: c.req.path, requestId, error });
    const response = errorResponse(error, { path: c.req.path, requestId });
    response.headers.set(REQUEST_ID_HEADER, requestId);
    return response;
  });
  return app;
}

function objectInfoGone(): FleetError {
  return new FleetError("not_found", "Cannot find this /object_info: ComfyUI has another one now, or none", {
    hint: "Ask pod.describe for the current hash.",
  });
}
