/**
 * One child process that is kept running: restarted with capped, jittered backoff, stopped with SIGTERM, then SIGKILL.
 * It has a session of its own, so that a Ctrl-C or the end of the terminal reaches it only through us, in order. Its
 * standard input is a pipe that we never write to: it ends when we do, however we do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { lastWords, openChildLog } from "./child-log.ts";

export interface ChildOptions {
  name: string;
  command: string[];
  env: Record<string, string | undefined>;
  /** Appended to, see {@link openChildLog}; a file and not a pipe, so that it is whole whatever happens to us. */
  logPath: string;
  /** Another pipe, at descriptor 3, for a child that ends with its other end and not with standard input. */
  lifeline?: boolean;
  /** SIGTERM to SIGKILL. @default 15_000 */
  stopGraceMs?: number;
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

const MAX_BACKOFF_MS = 10_000;

export function superviseChild(options: ChildOptions): Child {
  const { stableMs = 3_000, maxQuickEnds = 6, stopGraceMs = 15_000 } = options;
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;
  let quickEnds = 0;

  function start(): void {
    const log = openChildLog(options.logPath);
    const [file = "", ...args] = options.command;
    const startedMs = Date.now();
    child = spawn(file, args, {
      env: options.env as NodeJS.ProcessEnv,
      stdio: ["pipe", log.fd, log.fd, ...(options.lifeline ? ["pipe" as const] : [])],
      detached: true,
    });
    closeSync(log.fd);
    // The child may close its end; nothing is lost with it.
    child.stdin?.on("error", () => {});
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      child = null;
      if (!stopping) again(how, Date.now() - startedMs, log.startByte);
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));
  }

  function again(how: string, livedMs: number, startByte: number): void {
    quickEnds = livedMs < stableMs ? quickEnds + 1 : 0;
    if (quickEnds >= maxQuickEnds) {
      const words = lastWords(options.logPath, startByte);
      const said = words === null ? "" : `, and said last: ${words}`;
      options.onGiveUp(`${options.name} ended ${quickEnds} times in a row (${how})${said}. Log: ${options.logPath}`);
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
        const kill = setTimeout(() => running.kill("SIGKILL"), stopGraceMs);
        running.once("exit", () => {
          clearTimeout(kill);
          resolve();
        });
        running.kill("SIGTERM");
      });
    },
  };
}
