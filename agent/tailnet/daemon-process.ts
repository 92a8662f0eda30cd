/** The tailscaled of a folder: found, started and ended. It is told from others by its state file, and never has a pipe. */
import { mkdirSync } from "node:fs";
import type { spawn as nodeSpawn } from "node:child_process";
import { daemonArguments, type DaemonFiles, stateArgument } from "../../contracts/tailnet/daemon.ts";
import type { Clock } from "../comfy/clock.ts";
import type { LogFile } from "../comfy/log/log-file.ts";
import { endGroup, type ProcessIdentity, type SignalProcess, waitForExit } from "../comfy/process/process-group.ts";
import type { ProcessTable } from "../comfy/process/process-table.ts";
import { spawnToLog } from "../comfy/process/spawn-to-log.ts";

export interface DaemonHost {
  program: string;
  files: DaemonFiles;
  /** The whole of it. */
  env: Readonly<Record<string, string>>;
  logFile: LogFile;
  spawn: typeof nodeSpawn;
  table: ProcessTable;
  signalProcess: SignalProcess;
  clock: Clock;
}

export interface RunningDaemon {
  identity: ProcessIdentity;
  adopted: boolean;
  /** Resolves with words for people once it has ended, or when the signal aborts. */
  ended(signal: AbortSignal): Promise<string>;
}

const POLL_MS = 250;
/** SIGINT to SIGKILL: it writes its state and says goodbye to its peers. */
const GRACE_MS = 3_000;
const KILL_WAIT_MS = 1_000;

/** Null where none runs, whoever started it. */
export async function findDaemon(host: DaemonHost): Promise<RunningDaemon | null> {
  const [found] = await host.table.findByArgument(stateArgument(host.files));
  if (found === undefined) return null;
  return {
    identity: found,
    adopted: true,
    async ended(signal) {
      await waitForExit(found, { ...host, pollMs: POLL_MS }, signal);
      return "it ended";
    },
  };
}

/** Returns the reason when the program cannot be run at all. */
export async function startDaemon(host: DaemonHost): Promise<RunningDaemon | string> {
  mkdirSync(host.files.folder, { recursive: true, mode: 0o700 });
  const { spawn, program, files, env, logFile } = host;
  const command: [string, ...string[]] = [program, ...daemonArguments(files)];
  const child = await spawnToLog({ spawn, command, cwd: files.folder, env, logFile });
  if (typeof child === "string") return child;
  child.unref();
  const info = await host.table.inspect(child.pid);
  return {
    identity: { pid: child.pid, startTime: info?.startTime ?? "" },
    adopted: false,
    ended: (signal) => Promise.race([child.exited, aborted(signal)]),
  };
}

function aborted(signal: AbortSignal): Promise<string> {
  if (signal.aborted) return Promise.resolve("the agent stops");
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve("the agent stops"), { once: true }));
}

/** False when not even SIGKILL ends it. */
export function endDaemon({ identity }: RunningDaemon, host: DaemonHost): Promise<boolean> {
  return endGroup(identity, { ...host, pollMs: 50, graceMs: GRACE_MS, killWaitMs: KILL_WAIT_MS });
}
