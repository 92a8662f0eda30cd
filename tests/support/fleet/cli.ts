/** The `comfyfleet` command as a real process, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { until } from "./until.ts";

const ENTRY = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
const TIMEOUT_MS = 45_000;

export interface CliOptions {
  cwd: string;
  env?: Record<string, string>;
  /** How long `ended` waits; four times that and it is killed. @default 45_000 */
  timeoutMs?: number;
}

export interface CliProcess {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Resolves once it has ended and all of its output is here. */
  ended(): Promise<CliResult>;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Nothing of the caller's settings reaches it. */
export function startCli(args: readonly string[], { cwd, env = {}, timeoutMs = TIMEOUT_MS }: CliOptions): CliProcess {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [ENTRY, ...args], { cwd, env: { PATH, HOME, ...env } });
  alive.add(child);
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => (text[name] += chunk));
  }
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      alive.delete(child);
      resolve(code);
    });
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), timeoutMs * 4);
  deadline.unref();
  return {
    pid: child.pid ?? -1,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    signal: (name) => void child.kill(name),
    async ended() {
      let code: number | null | undefined;
      void closed.then((ended) => (code = ended));
      await until(`'${args.join(" ")}' to end; ${text.stderr}`, () => (code === undefined ? null : true), timeoutMs);
      clearTimeout(deadline);
      return { code: code ?? null, ...text };
    },
  };
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended();
}

/** The JSON values that it printed, one a line. */
export function jsonLines({ stdout }: Pick<CliResult, "stdout">): unknown[] {
  return stdout.split("\n").filter((line) => line !== "").map((line): unknown => JSON.parse(line));
}

const Envelope = z.discriminatedUnion("ok", [
  z.strictObject({
    schema: z.literal("comfyfleet.cli/1"),
    ok: z.literal(true),
    data: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    schema: z.literal("comfyfleet.cli/1"),
    ok: z.literal(false),
    error: z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  }),
]);

/** The one envelope that the command printed last. */
export function envelopeOf(result: Pick<CliResult, "stdout">): z.infer<typeof Envelope> {
  return Envelope.parse(jsonLines(result).at(-1));
}

export interface ChildOf {
  pid: number;
  command: string;
}

/** Direct children of a process, with their command lines (Linux). */
export function childrenOf(pid: number): ChildOf[] {
  const parents = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name): ChildOf[] => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parent !== pid) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(name), command }];
    } catch {
      return []; // ended meanwhile
    }
  });
  return parents;
}
