/** One child process that is kept running: restarted with capped, jittered backoff, stopped with SIGTERM, then SIGKILL. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

export interface ChildOptions {
  name: string;
  command: string[];
  env: Record<string, string | undefined>;
  /** Appended to; a file and not a pipe, so that the child outlives a reader's death. */
  logPath: string;
  /** Told of every unexpected end and what follows. */
  onRestart(message: string): void;
  /** An end sooner than this after a start counts towards giving up. @default 3_000 */
  stableMs?: number;
  /** Quick ends in a row after which the child is given up. @default 6 */
  maxQuickEnds?: number;
  /** Called when it is given up. */
  onGiveUp(message: string): void;
}

export interface Child {
  readonly name: string;
  readonly pid: number | null;
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 15_000;
const MAX_BACKOFF_MS = 10_000;

export function superviseChild(options: ChildOptions): Child {
  const { stableMs = 3_000, maxQuickEnds = 6 } = options;
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;
  let quickEnds = 0;

  function start(): void {
    mkdirSync(dirname(options.logPath), { recursive: true });
    const log = openSync(options.logPath, "a", 0o600);
    const [file = "", ...args] = options.command;
    const startedMs = Date.now();
    child = spawn(file, args, { env: options.env as NodeJS.ProcessEnv, stdio: ["ignore", log, log] });
    closeSync(log);
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      child = null;
      if (!stopping) again(how, Date.now() - startedMs);
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));
  }

  function again(how: string, livedMs: number): void {
    quickEnds = livedMs < stableMs ? quickEnds + 1 : 0;
    if (quickEnds >= maxQuickEnds) {
      options.onGiveUp(`${options.name} ended ${quickEnds} times in a row (${how}); see ${options.logPath}`);
      return;
    }
    const ceilingMs = Math.min(MAX_BACKOFF_MS, 100 * 2 ** quickEnds);
    const delayMs = ceilingMs / 2 + Math.random() * (ceilingMs / 2);
    options.onRestart(`${options.name} ended (${how}); starting it again. Log: ${options.logPath}`);
    timer = setTimeout(start, delayMs);
  }

  start();
  return {
    name: options.name,
    get pid() {
      return child?.pid ?? null;
    },
    stop() {
      stopping = true;
      if (timer) clearTimeout(timer);
      const running = child;
      if (!running || running.exitCode !== null || running.signalCode !== null) return Promise.resolve();
      return new Promise((resolve) => {
        const kill = setTimeout(() => running.kill("SIGKILL"), STOP_GRACE_MS);
        running.once("exit", () => {
          clearTimeout(kill);
          resolve();
        });
        running.kill("SIGTERM");
      });
    },
  };
}
