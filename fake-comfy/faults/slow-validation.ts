/** The check of a graph takes long, on a slow network volume for instance, and stops HTTP and sockets meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { durationOf, refusesDuration } from "./duration.ts";
import type { Armed, Fault } from "./fault.ts";

const DEFAULT_MS = 2_000;
const checks = new WeakMap<Armed, Promise<void>>();

export const slowValidation: Fault = {
  name: "slow-validation",
  summary: "the check of each graph takes this long, and nothing else is answered or told; argument: Nms (2000)",
  refuses: refusesDuration,
  async beforeRequest(armed) {
    await checks.get(armed);
  },
  async beforeValidation(armed) {
    const goOn = armed.surface.sockets.pause();
    const check = sleep(durationOf(armed.argument, DEFAULT_MS));
    checks.set(armed, check);
    await check;
    goOn();
  },
};
