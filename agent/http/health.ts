/** Liveness, readiness and metrics, on the unix socket: who can open it needs no secret, and nothing else is served there. */
import { Hono } from "hono";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import type { ComfyStatus } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import { metricsResponse } from "./metrics-route.ts";

/** `/livez`: the event loop answers. `/readyz`: ComfyUI is ready and the agent takes attempts. */
export function createHealthApp(
  state: { comfy: () => ComfyStatus; stopping: () => boolean; metrics: () => Promise<string> },
): Hono {
  const app = new Hono();
  app.get(AGENT_ROUTES.metrics, () => metricsResponse(state.metrics));
  app.get("/livez", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const status = state.comfy();
    const { state: comfy, reason, message } = status;
    const ready = takesPrompts(status) && !state.stopping();
    return c.json({ status: ready ? "ok" : "not_ready", comfy, reason, message }, ready ? 200 : 503);
  });
  return app;
}
