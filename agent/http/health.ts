/** Liveness and readiness, on the unix socket: who can open it needs no secret, and nothing else is served there. */
import { Hono } from "hono";
import type { ComfyStatus } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";

/** `/livez`: the event loop answers. `/readyz`: ComfyUI is ready and the agent takes attempts. */
export function createHealthApp(state: { comfy: () => ComfyStatus; stopping: () => boolean }): Hono {
  const app = new Hono();
  app.get("/livez", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const status = state.comfy();
    const { state: comfy, reason, message } = status;
    const ready = takesPrompts(status) && !state.stopping();
    return c.json({ status: ready ? "ok" : "not_ready", comfy, reason, message }, ready ? 200 : 503);
  });
  return app;
}
