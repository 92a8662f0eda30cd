/** What the routes work with. */
import type { Hono } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { InterruptFlag } from "../execution/interrupt.ts";
import type { ArmedFaults } from "../faults/armed-faults.ts";
import type { Log } from "../log.ts";
import type { HeldMemory } from "../memory.ts";
import type { NodeClass } from "../nodes/node-class.ts";
import type { Options } from "../options.ts";
import type { PromptQueue } from "../queue/prompt-queue.ts";
import type { Hub } from "../socket/hub.ts";

/** Hono with Node's request at hand. */
export type App = Hono<{ Bindings: HttpBindings }>;

/** The parts of one server. */
export interface ServerContext {
  readonly options: Options;
  /** The command line as `/system_stats` shows it. */
  readonly argv: readonly string[];
  readonly classes: ReadonlyMap<string, NodeClass>;
  readonly queue: PromptQueue;
  readonly hub: Hub;
  readonly interrupt: InterruptFlag;
  readonly faults: ArmedFaults;
  readonly memory: HeldMemory;
  readonly log: Log;
  /** Wall time in epoch milliseconds. */
  readonly nowMs: () => number;
}
