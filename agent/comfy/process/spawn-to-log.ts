/** A child that writes into a file and outlives its agent: no pipe to it, and a group of its own. */
import type { spawn as nodeSpawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { LogFile } from "../log/log-file.ts";

export interface SpawnToLog {
  spawn: typeof nodeSpawn;
  command: readonly [string, ...string[]];
  cwd: string;
  env: NodeJS.ProcessEnv;
  logFile: LogFile;
}

export interface SpawnedToLog {
  pid: number;
  /** How it ended, in words. */
  exited: Promise<string>;
  /** Does not keep the agent alive. */
  unref(): void;
}

/** @returns why it could not be started, in words, instead */
export async function spawnToLog({ spawn, command, cwd, env, logFile }: SpawnToLog): Promise<SpawnedToLog | string> {
  const [program, ...args] = command;
  const log = logFile.begin();
  try {
    // A group, so that what it starts ends with it and a Ctrl-C at our terminal does not reach it.
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", log, log], detached: true });
    const exited = Promise.withResolvers<string>();
    const spawned = Promise.withResolvers<string | null>();
    child.once("spawn", () => spawned.resolve(null));
    child.once("error", (error) => spawned.resolve(error.message));
    child.once("exit", (code, signal) => {
      exited.resolve(signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`);
    });
    const failure = await spawned.promise;
    if (failure !== null) return failure;
    const { pid } = child;
    return pid === undefined ? "it got no process id" : { pid, exited: exited.promise, unref: () => child.unref() };
  } finally {
    closeSync(log);
  }
}
