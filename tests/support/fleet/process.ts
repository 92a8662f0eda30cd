/** A real process of ours under test: started, killed, started again, with its log at hand. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ManagedProcess {
  readonly pid: number;
  /** Everything it wrote, over all its lives. */
  log(): string;
  /** SIGKILL, and the kernel has taken it down. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code and the time it took. */
  terminate(): Promise<{ code: number | null; tookMs: number }>;
  start(): void;
}

export interface ManagedProcessOptions {
  command: string[];
  env: Record<string, string | undefined>;
  logPath: string;
}

export function manageProcess({ command, env, logPath }: ManagedProcessOptions): ManagedProcess {
  mkdirSync(dirname(logPath), { recursive: true });
  let child: ChildProcess | null = null;

  function exited(process: ChildProcess): Promise<number | null> {
    if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve(process.exitCode);
    return new Promise((resolve) => process.once("exit", (code) => resolve(code)));
  }

  function start(): void {
    const log = openSync(logPath, "a");
    const [file = "", ...args] = command;
    child = spawn(file, args, { env: env as NodeJS.ProcessEnv, stdio: ["ignore", log, log] });
    closeSync(log);
  }

  function running(): ChildProcess {
    if (!child) throw new Error(`${command[0]} was not started`);
    return child;
  }

  start();
  return {
    get pid() {
      return running().pid ?? -1;
    },
    log: () => readFileSync(logPath, "utf8"),
    async kill() {
      const process = running();
      process.kill("SIGKILL");
      await exited(process);
    },
    async terminate() {
      const process = running();
      const startedMs = performance.now();
      process.kill("SIGTERM");
      const code = await Promise.race([exited(process), sleep(20_000, "late" as const)]);
      if (code === "late") {
        throw new Error(`${command.join(" ")} did not stop in 20 s\n${readFileSync(logPath, "utf8")}`);
      }
      return { code, tookMs: performance.now() - startedMs };
    },
    start,
  };
}
