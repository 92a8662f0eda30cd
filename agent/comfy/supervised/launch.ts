/** From nothing to a running ComfyUI process, journaled before it exists. */
import type { GenerationRecord } from "../generation-journal.ts";
import type { LogFile } from "../log/log-file.ts";
import type { ProcessIdentity } from "../process/process-group.ts";
import { spawnToLog } from "../process/spawn-to-log.ts";
import { childEnvironment } from "./child-environment.ts";
import { comfyArguments } from "./comfy-arguments.ts";
import { type ComfyDirectories, emptyOutput, renewTemp, tempArgument } from "./directories.ts";
import type { EndCause } from "../end-cause.ts";
import type { EndReason } from "../reasons.ts";
import { claimPort } from "./free-port.ts";
import type { SupervisedContext } from "./options.ts";

/** A live process of ours and the journal's record of it. */
export interface RunningGeneration {
  record: GenerationRecord;
  identity: ProcessIdentity;
  adopted: boolean;
  /** Resolves with words for people when the process has ended; only our own children know their exit code. */
  exited: Promise<string> | null;
}

export type Launch = { status: "running"; running: RunningGeneration } | { status: "failed"; cause: EndCause };

export async function launch(
  context: SupervisedContext,
  directories: ComfyDirectories,
  logFile: LogFile,
): Promise<Launch> {
  const port = await claimPort(context.port);
  if (port === null) {
    return failed("PortInUse", `Cannot start ComfyUI: another process listens on 127.0.0.1:${context.port}.`);
  }
  const record: GenerationRecord = {
    id: context.randomUuid(),
    clientId: context.randomUuid(),
    nonce: context.randomUuid(),
    port,
    startedAtMs: context.clock.now(),
    pid: null,
    processStart: null,
  };
  renewTemp(directories, record.nonce);
  emptyOutput(directories);
  context.journal.begin(record);
  const spawned = await spawnComfy(context, { record, directories, logFile });
  if (typeof spawned === "string") {
    context.journal.ended(record.id, { atMs: context.clock.now(), reason: "SpawnFailed" });
    return failed(
      "SpawnFailed",
      `Cannot start ComfyUI: ${spawned}. Do the program and the directory ${context.cwd} exist?`,
    );
  }
  const info = await context.processTable.inspect(spawned.pid);
  // Already gone and reaped: its exit tells the rest.
  const startTime = info?.startTime ?? "";
  context.journal.spawned(record.id, { pid: spawned.pid, startTime });
  return {
    status: "running",
    running: {
      record: { ...record, pid: spawned.pid, processStart: startTime },
      identity: { pid: spawned.pid, startTime },
      adopted: false,
      exited: spawned.exited,
    },
  };
}

interface Spawned {
  pid: number;
  exited: Promise<string>;
}

/** Returns the reason when the program cannot be run at all. */
async function spawnComfy(
  context: SupervisedContext,
  { record, directories, logFile }: { record: GenerationRecord; directories: ComfyDirectories; logFile: LogFile },
): Promise<Spawned | string> {
  const [program, ...first] = context.command;
  const tempDirectory = tempArgument(directories, record.nonce);
  const args = comfyArguments({
    port: record.port,
    directories,
    tempDirectory,
    partnerNodes: context.partnerNodes,
    extra: context.args,
  });
  return await spawnToLog({
    spawn: context.spawn,
    command: [program, ...first, ...args],
    cwd: context.cwd,
    env: childEnvironment(context.parentEnv, context.env),
    logFile,
  });
}

function failed(reason: EndReason, message: string): Launch {
  return { status: "failed", cause: { reason, message } };
}
