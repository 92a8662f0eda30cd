// Runs one set-up command to its end, with a deadline, keeping the end of what it said for the error message.
import { spawn } from "node:child_process";

export type CommandOptions = {
  /** Ends the command: the whole set-up's deadline, or the person's Ctrl-C. */
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with every complete line of stdout. */
  onLine?: (line: string) => void;
};

const KEPT_CHARS = 4_000;
const KILL_AFTER_MS = 5_000;

/**
 * Runs `argv` and returns its stdout.
 * @throws Error "Cannot run …" with the last lines of output when it is missing, fails, or is ended by the signal.
 */
export function runCommand(argv: [string, ...string[]], options: CommandOptions): Promise<string> {
  const [program, ...args] = argv;
  const name = [program, ...args.slice(0, 3)].join(" ");
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) return reject(new Error(`Cannot run ${name}: ${reasonOf(options.signal)}`));
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let tail = "";
    let partial = "";
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      child.kill("SIGTERM");
      killTimer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    };
    options.signal.addEventListener("abort", onAbort, { once: true });
    const cleanUp = () => {
      options.signal.removeEventListener("abort", onAbort);
      clearTimeout(killTimer);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      tail = (tail + text).slice(-KEPT_CHARS);
      const lines = (partial + text).split(/\r?\n|\r/);
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-KEPT_CHARS);
    });
    child.on("error", (cause) => {
      cleanUp();
      reject(new Error(`Cannot run ${program}: ${cause.message}`, { cause }));
    });
    child.on("close", (code, signal) => {
      cleanUp();
      if (options.signal.aborted) return reject(new Error(`Cannot finish ${name}: ${reasonOf(options.signal)}`));
      if (code === 0) return resolve(stdout);
      reject(new Error(`Cannot run ${name}: it ended with ${signal ?? `exit code ${code}`}\n${tail.trimEnd()}`));
    });
  });
}

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : String(reason);
}
