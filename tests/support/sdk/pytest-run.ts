/** Cases of pytest as cases of ours: collected first, then run by one process, each with its own result. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { until } from "../fleet/until.ts";

const PLUGIN_FOLDER = fileURLToPath(new URL(".", import.meta.url));

const FLAGS = [
  ...["-p", "case_report", "-p", "no:cacheprovider", "--tb=short", "-q"],
  // Unset, it is a warning of pytest-asyncio's, which the SDK's own settings make an error.
  ...["-o", "asyncio_default_fixture_loop_scope=function"],
];

const Line = z.strictObject({
  case: z.string(),
  outcome: z.enum(["collected", "passed", "failed", "skipped"]),
  /** Why, as pytest shows it. */
  detail: z.string(),
});

export interface PytestOptions {
  python: string;
  /** Where pytest starts, and looks for its settings. */
  cwd: string;
  /** File or folder in it. */
  path: string;
  /** Beside PATH and HOME. */
  env: Record<string, string>;
}

export interface CaseResult {
  outcome: "passed" | "failed" | "skipped";
  detail: string;
}

export interface PytestRun extends AsyncDisposable {
  /** Resolves when the case has ended, in whichever order cases are asked for. */
  result(name: string, timeoutMs: number): Promise<CaseResult>;
}

interface Started {
  child: ChildProcess;
  report: () => z.infer<typeof Line>[];
  said: () => string;
  hasEnded: () => boolean;
  end: () => Promise<void>;
}

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

function start({ python, cwd, path, env }: PytestOptions, flags: readonly string[]): Started {
  const folder = mkdtempSync(join(tmpdir(), "comfyfleet-pytest-"));
  const reportPath = join(folder, "report");
  const { PATH, HOME } = process.env;
  const args = ["-m", "pytest", ...FLAGS, ...flags, path];
  const child = spawn(python, args, {
    cwd,
    env: {
      ...{ PATH, HOME, PYTHONDONTWRITEBYTECODE: "1", PYTHONPATH: PLUGIN_FOLDER, CASE_REPORT: reportPath },
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  alive.add(child);
  let said = "";
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => (said = (said + chunk).slice(-8_000)));
  }
  const closed = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += error.message;
      hasEnded = true;
      resolve();
    });
    child.once("close", () => {
      hasEnded = true;
      alive.delete(child);
      resolve();
    });
  });
  return {
    child,
    said: () => said,
    hasEnded: () => hasEnded,
    report() {
      if (!existsSync(reportPath)) return [];
      const whole = readFileSync(reportPath, "utf8").split("\n").slice(0, -1);
      return whole.map((line) => Line.parse(JSON.parse(line)));
    },
    async end() {
      child.kill("SIGKILL");
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Names of the cases, in the order in which they run. @throws Error with pytest's words when there is none */
export async function collectCases(options: PytestOptions): Promise<string[]> {
  const run = start(options, ["--collect-only"]);
  try {
    await until("pytest to collect", () => run.hasEnded() || null, 60_000);
    const cases = run.report().map(({ case: name }) => name);
    if (cases.length === 0) throw new Error(`pytest collected no case: ${run.said()}`);
    return cases;
  } finally {
    await run.end();
  }
}

export function runCases(options: PytestOptions): PytestRun {
  const run = start(options, []);
  return {
    async result(name, timeoutMs) {
      const line = await until(`'${name}' to end; pytest says: ${run.said()}`, () => {
        const found = run.report().find((one) => one.case === name && one.outcome !== "collected");
        if (!found && run.hasEnded()) throw new Error(`pytest ended before '${name}' did: ${run.said()}`);
        return found ?? null;
      }, timeoutMs);
      const { outcome, detail } = line;
      if (outcome === "collected") throw new Error("cannot be");
      return { outcome, detail };
    },
    [Symbol.asyncDispose]: () => run.end(),
  };
}
