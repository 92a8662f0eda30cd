/** What running prompts needs from the rest of the server. */
import type { ArmedFaults } from "../faults/armed-faults.ts";
import type { Log } from "../log.ts";
import type { HeldMemory } from "../memory.ts";
import type { NodeClass } from "../nodes/node-class.ts";
import type { Options } from "../options.ts";
import type { Focus, Hub } from "../socket/hub.ts";
import type { InterruptFlag } from "./interrupt.ts";

/** The parts that the worker works with. */
export interface Environment {
  readonly options: Options;
  readonly classes: ReadonlyMap<string, NodeClass>;
  readonly hub: Hub;
  readonly focus: Focus;
  readonly interrupt: InterruptFlag;
  readonly faults: ArmedFaults;
  readonly memory: HeldMemory;
  readonly log: Log;
  /** A monotonic clock in milliseconds. */
  readonly monotonicMs: () => number;
  /** Wall time in epoch milliseconds. */
  readonly nowMs: () => number;
}
