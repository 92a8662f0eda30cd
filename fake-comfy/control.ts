/**
 * The control API, on a port of its own on 127.0.0.1: arms and clears faults while the server runs, and shows its
 * state. `GET /faults` lists what there is, `POST /faults {name, arg?}` arms, `DELETE /faults[/NAME]` clears,
 * `GET /state` shows, `GET /routes` lists what the server itself answers.
 */
import { Hono } from "hono";
import type { WorkerCounts } from "./execution/worker.ts";
import { type ArmedFaults, FaultError } from "./faults/armed-faults.ts";
import { FAULTS } from "./faults/registry.ts";
import { isJsonObject, type Json } from "./python.ts";
import type { PromptQueue } from "./queue/prompt-queue.ts";
import type { Hub } from "./socket/hub.ts";

/** What the control API shows and changes. */
export interface ControlSources {
  readonly faults: ArmedFaults;
  readonly queue: PromptQueue;
  readonly hub: Hub;
  readonly worker: () => WorkerCounts;
  readonly pid: number;
  /** The server's routes as `METHOD /path/:parameter`. */
  readonly routes: () => readonly string[];
  /** True once the server's port is open. */
  readonly ready: () => boolean;
}

/** The control API's routes. */
export function createControlApp(sources: ControlSources): Hono {
  const app = new Hono();
  app.get("/state", (context) => {
    const { queue, hub, faults } = sources;
    return context.json({
      pid: sources.pid,
      ready: sources.ready(),
      faults: faults.list(),
      clientIds: hub.clientIds(),
      running: queue.running().map((item) => item.promptId),
      pending: queue.pending().map((item) => item.promptId),
      worker: sources.worker(),
    });
  });
  app.get("/routes", (context) => context.json(sources.routes()));
  app.get("/faults", (context) => {
    const known = [...FAULTS.values()].map(({ name, summary }) => ({ name, summary }));
    return context.json({ known, armed: sources.faults.list() });
  });
  app.post("/faults", async (context) => {
    const body = parse(await context.req.text());
    const fields = isJsonObject(body) ? body : {};
    const argument = fields["arg"] ?? null;
    if (typeof fields["name"] !== "string") return context.json({ error: "Cannot arm a fault: name is missing" }, 400);
    try {
      sources.faults.arm(fields["name"], argument === null ? null : String(argument));
    } catch (error) {
      if (error instanceof FaultError) return context.json({ error: error.message }, 400);
      throw error;
    }
    return context.json({ armed: sources.faults.list() });
  });
  app.delete("/faults", (context) => {
    sources.faults.clear();
    return context.json({ armed: [] });
  });
  app.delete("/faults/:name", (context) => {
    sources.faults.clear(context.req.param("name"));
    return context.json({ armed: sources.faults.list() });
  });
  return app;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
