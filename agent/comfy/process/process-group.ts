/**
 * A ComfyUI process and its group, own child or adopted alike: is it there, and make it go. Nothing is ever signalled
 * whose identity (pid and start time) is not the one that was recorded.
 */
import type { Clock } from "../clock.ts";
import type { ProcessTable } from "./process-table.ts";

/** Sends a signal; a negative pid means the group. Throws as `process.kill` does when there is nobody. */
export type SignalProcess = (pid: number, signal: "SIGINT" | "SIGKILL") => void;

export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

export interface GroupOptions {
  table: ProcessTable;
  signalProcess: SignalProcess;
  clock: Clock;
  pollMs: number;
}

/** True while exactly this process is there and no zombie. */
export async function isAlive(identity: ProcessIdentity, table: ProcessTable): Promise<boolean> {
  const info = await table.inspect(identity.pid);
  return info !== null && info.startTime === identity.startTime && !info.zombie;
}

/** Resolves when the process is gone, or when `signal` aborts. */
export async function waitForExit(
  identity: ProcessIdentity,
  options: Pick<GroupOptions, "table" | "clock" | "pollMs">,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && await isAlive(identity, options.table)) await options.clock.sleep(options.pollMs, signal);
}

export interface EndOptions extends GroupOptions {
  /** SIGINT to SIGKILL; 0 kills at once. */
  graceMs: number;
  /** SIGKILL to giving up. */
  killWaitMs: number;
}

/**
 * SIGINT to the group, after `graceMs` SIGKILL, then whatever is left of the group.
 * Returns false when the process is still there after all that: stuck in the kernel, usually in a GPU driver.
 */
export async function endGroup(identity: ProcessIdentity, options: EndOptions): Promise<boolean> {
  const { table, clock } = options;
  if (options.graceMs > 0 && await isAlive(identity, table)) {
    signalGroup(identity.pid, "SIGINT", options.signalProcess);
    await waitAtMost(identity, options, options.graceMs);
  }
  // Free of danger also when the leader is gone: the kernel gives no pid away that is still the id of a group.
  const info = await table.inspect(identity.pid);
  if (info === null || info.startTime === identity.startTime) {
    signalGroup(identity.pid, "SIGKILL", options.signalProcess);
  }
  await waitAtMost(identity, options, options.killWaitMs);
  return !await isAlive(identity, table);

  async function waitAtMost(who: ProcessIdentity, how: EndOptions, ms: number): Promise<void> {
    const untilMs = clock.now() + ms;
    while (clock.now() < untilMs && await isAlive(who, how.table)) await clock.sleep(Math.min(how.pollMs, 50));
  }
}

function signalGroup(pid: number, name: "SIGINT" | "SIGKILL", signalProcess: SignalProcess): void {
  try {
    signalProcess(-pid, name);
  } catch {
    // Nobody left in the group: what was wanted.
  }
}
