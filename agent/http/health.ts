/** Liveness, readiness and metrics, on the unix socket: who can open it needs no secret, and it serves nothing else. */
import { Hono } from "hono";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import type { TailnetPort } from "../../contracts/agent/ports.ts";
import type { TailnetView } from "../../contracts/tailnet/state.ts";
import type { ComfyStatus } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import { errorResponse } from "./error-response.ts";
import { metricsResponse } from "./metrics-route.ts";

export interface HealthSources {
  comfy: () => ComfyStatus;
  stopping: () => boolean;
  metrics: () => Promise<string>;
  /** Null without a tailnet. */
  tailnetView: () => TailnetView | null;
  tailnet: TailnetPort;
}

/**
 * `/livez`: the event loop answers. `/readyz`: ComfyUI is ready, the agent takes attempts, and edges can reach it.
 * `/tailnet`: what `tailnet.selfCheck` finds.
 */
export function createHealthApp(state: HealthSources): Hono {
  const app = new Hono();
  app.get("/tailnet", async (c) => c.json(await state.tailnet.selfCheck(null)));
  app.onError((error, c) => errorResponse(error, { path: c.req.path, requestId: crypto.randomUUID() }));
  app.get(AGENT_ROUTES.metrics, () => metricsResponse(state.metrics));
  app.get("/livez", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const status = state.comfy();
    const { state: comfy, reason, message } = status;
    const tailnet = state.tailnetView();
    const ready = takesPrompts(status) && !state.stopping() && (tailnet === null || tailnet.state === "running");
    const said = { status: ready ? "ok" : "not_ready", comfy, reason, message };
    return c.json(tailnet === null ? said : { ...said, tailnet }, ready ? 200 : 503);
  });
  return app;
}
