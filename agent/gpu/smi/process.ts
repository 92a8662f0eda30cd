/** One run of nvidia-smi as the probe needs it: its lines as they come, its end, and a way to kill it. */
import type { spawn as nodeSpawn } from "node:child_process";
import type { SmiExit } from "./failure.ts";

export interface SmiProcess {
  /** Resolves once it has ended and everything it said was handed on. Never rejects. */
  readonly exited: Promise<SmiExit>;
  /** SIGKILL. A process that is stuck in the driver does not heed it. */
  kill(): void;
}

/** @param onLine without line ends; may be called until `exited` resolves */
export type StartSmi = (args: readonly string[], onLine: (line: string) => void) => SmiProcess;

export interface SmiCommand {
  path: string;
  env: Readonly<Record<string, string>>;
  spawn: typeof nodeSpawn;
}

/** Longer lines are cut: a row has about 600 characters. */
const MAX_LINE_CHARS = 16_384;
/** Pipes that stay open after the process has ended, held by somebody it started, are not waited for. */
const CLOSE_GRACE_MS = 500;

/** Its pipes end with the agent: whatever it says after that ends it. It is no leader of a group, so Ctrl-C ends it too. */
export function smiStarter({ path, env, spawn }: SmiCommand): StartSmi {
  return (args, onLine) => {
    const child = spawn(path, [...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      const splitter = createLineSplitter(onLine);
      stream.setEncoding("utf8").on("data", splitter.push).on("end", splitter.end).on("error", splitter.end);
    }
    const exited = new Promise<SmiExit>((resolve) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        const why = { code: error.code ?? "unknown", message: `Cannot run ${path}: ${error.message}` };
        resolve({ code: null, signal: null, error: why });
      });
      const end = (code: number | null, signal: string | null) => resolve({ code, signal, error: null });
      child.once("close", end);
      child.once("exit", (code, signal) => setTimeout(() => end(code, signal), CLOSE_GRACE_MS));
    });
    return { exited, kill: () => void child.kill("SIGKILL") };
  };
}

function createLineSplitter(onLine: (line: string) => void) {
  let rest = "";
  return {
    push(chunk: string): void {
      const lines = `${rest}${chunk}`.split("\n");
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
      for (const line of lines) onLine(line.replace(/\r$/, "").slice(0, MAX_LINE_CHARS));
    },
    end(): void {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
