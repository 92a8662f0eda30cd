/** All faults, by name. A new one is a file beside this and a line below. */
import { crash } from "./crash.ts";
import { dropSocket } from "./drop-socket.ts";
import { exitAtStart } from "./exit-at-start.ts";
import type { Fault } from "./fault.ts";
import { hang } from "./hang.ts";
import { lostTerminalEvent } from "./lost-terminal-event.ts";
import { noJobsApi } from "./no-jobs-api.ts";
import { portInUse } from "./port-in-use.ts";

export const FAULTS: ReadonlyMap<string, Fault> = new Map(
  [crash, dropSocket, exitAtStart, hang, lostTerminalEvent, noJobsApi, portInUse].map((fault) => [fault.name, fault]),
);
