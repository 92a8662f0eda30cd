/** Runs one command of the repository's own checks with a deadline, its output passed through, and its time taken. */
import { spawn } from "node:child_process";
import { delimiter, join, resolve } from "node:path";

/** The repository's root folder. */
export const repositoryRoot = resolve(import.meta.dirname, "../..");

/** One command. `env` is added to the environment of this process. */
export interface Step {
  name: string;
  command: string;
  args: readonly string[];
  deadlineMs: number;
  env?: Readonly<Record<string, string>>;
}

/** How a step ended. `reason` is set when it did not end well. */
export interface StepResult {
  name: string;
  durationMs: number;
  reason: string | undefined;
}

/**
 * Runs the step in a process group of its own, so that a deadline or Ctrl-C takes everything that it started.
 * Never rejects: what went wrong is the result's `reason`.
 */
export function runStep(step: Step): Promise<StepResult> {
  const startedAt = performance.now();
  const binaries = join(repositoryRoot, "node_modules", ".bin");
  const child = spawn(step.command, step.args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...step.env, PATH: `${binaries}${delimiter}${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const killGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const interrupt = () => {
    killGroup("SIGKILL");
    // Not before the other steps that run at once have ended theirs.
    setImmediate(() => process.exit(130));
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  return new Promise((settle) => {
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      killGroup("SIGKILL");
    }, step.deadlineMs);
    const end = (reason: string | undefined) => {
      clearTimeout(deadline);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      settle({ name: step.name, durationMs: performance.now() - startedAt, reason });
    };
    child.once("error", (error) => end(`cannot start ${step.command}: ${error.message}`));
    child.once("exit", (code, signal) => {
      // A runner that has ended may leave servers behind; nothing of a step outlives it.
      killGroup("SIGKILL");
      if (late) end(`not finished after ${step.deadlineMs / 1000} s`);
      else if (code === 0) end(undefined);
      else end(code === null ? `killed by ${signal}` : `exit code ${code}`);
    });
  });
}

/** "3.2 s", or "4 min 5 s" above a minute. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
