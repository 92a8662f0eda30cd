/** A real process of ours under test: started, killed, started again, with its log at hand. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ManagedProcess {
  readonly pid: number;
  /** Everything it wrote, over all its lives. */
  log(): string;
  /** SIGKILL, and the kernel has taken it down. Nothing where it does not run. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code and the time it took. */
  terminate(): Promise<{ code: number | null; tookMs: number }>;
  /** Resolves with the exit code when it ends by itself. */
  ended(): Promise<number | null>;
  /** @param changes to its environment, for this and every later life */
  start(changes?: Record<string, string>): void;
}

export interface ManagedProcessOptions {
  command: string[];
  env: Record<string, string | undefined>;
  logPath: string;
  /** @default true */
  started?: boolean;
}

const STOP_WITHIN_MS = 20_000;

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

function exited(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

export function manageProcess({ command, env, logPath, started = true }: ManagedProcessOptions): ManagedProcess {
  mkdirSync(dirname(logPath), { recursive: true });
  let child: ChildProcess | null = null;
  let currentEnv = env;

  function start(changes: Record<string, string> = {}): void {
    currentEnv = { ...currentEnv, ...changes };
    const log = openSync(logPath, "a");
    const [file = "", ...args] = command;
    const spawned = spawn(file, args, { env: currentEnv as NodeJS.ProcessEnv, stdio: ["ignore", log, log] });
    closeSync(log);
    alive.add(spawned);
    spawned.once("exit", () => alive.delete(spawned));
    child = spawned;
  }

  function running(): ChildProcess {
    if (!child) throw new Error(`${command[0]} was not started`);
    return child;
  }

  function readLog(): string {
    return existsSync(logPath) ? readFileSync(logPath, "utf8") : "";
  }

  async function orLate(child: ChildProcess, why: string): Promise<number | null> {
    const code = await Promise.race([exited(child), sleep(STOP_WITHIN_MS, "late" as const, { ref: false })]);
    if (code === "late") throw new Error(`${command.join(" ")} did not ${why} in 20 s\n${readLog().slice(-4_000)}`);
    return code;
  }

  if (started) start();
  return {
    get pid() {
      return running().pid ?? -1;
    },
    log: readLog,
    async kill() {
      if (!child) return;
      child.kill("SIGKILL");
      await exited(child);
    },
    async terminate() {
      const process = running();
      const startedMs = performance.now();
      process.kill("SIGTERM");
      const code = await orLate(process, "stop");
      return { code, tookMs: performance.now() - startedMs };
    },
    ended: () => orLate(running(), "end"),
    start,
  };
}
