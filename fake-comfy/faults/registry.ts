/** All faults, by name. A new one is a file beside this and a line below. */
import { crash } from "./crash.ts";
import { deafSocket } from "./deaf-socket.ts";
import { dropSocket } from "./drop-socket.ts";
import { duplicatedEvents } from "./duplicated-events.ts";
import { emptyHistory } from "./empty-history.ts";
import { exitAtStart } from "./exit-at-start.ts";
import type { Fault } from "./fault.ts";
import { freeze } from "./freeze.ts";
import { hang } from "./hang.ts";
import { lateClose } from "./late-close.ts";
import { lostCancel } from "./lost-cancel.ts";
import { lostTerminalEvent } from "./lost-terminal-event.ts";
import { ramLeak, vramLeak } from "./memory-leak.ts";
import { noJobsApi } from "./no-jobs-api.ts";
import { cpuOom, oom } from "./oom.ts";
import { poisonedCuda } from "./poisoned-cuda.ts";
import { portInUse } from "./port-in-use.ts";
import { shuffledEvents } from "./shuffled-events.ts";
import { slowValidation } from "./slow-validation.ts";
import { staleCache } from "./stale-cache.ts";
import { stuckDelivery } from "./stuck-delivery.ts";
import { zombieWorker } from "./zombie-worker.ts";

export const FAULTS: ReadonlyMap<string, Fault> = new Map(
  [
    ...[crash, exitAtStart, portInUse, zombieWorker, freeze, hang, slowValidation],
    ...[dropSocket, deafSocket, stuckDelivery, lateClose, lostTerminalEvent, duplicatedEvents, shuffledEvents],
    ...[lostCancel, emptyHistory, noJobsApi, staleCache],
    ...[oom, cpuOom, poisonedCuda, ramLeak, vramLeak],
  ].map((fault) => [fault.name, fault]),
);
