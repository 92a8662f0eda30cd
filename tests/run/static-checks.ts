/** The checks that run no code of ours: format, types on both runtimes, lint, texts, dead code. */
import { globSync } from "node:fs";
import { formatDuration, repositoryRoot, runStep, type Step, type StepResult } from "./run-step.ts";
import { forgetResult, keepResult, type SuiteResult } from "./suite-result.ts";

/** The name under which the group of checks appears among the suites. */
export const checksName = "checks";

const minute = 60_000;

/** The files that only Deno's own types can check. */
export function denoFiles(): string[] {
  return globSync("{contracts,client,proxy,agent,cli,tests}/**/*.deno.ts", { cwd: repositoryRoot })
    .filter((path) => !path.startsWith("tests/lint/fixtures/"));
}

/** The step that checks `files` with Deno's types. */
export function denoCheck(files: readonly string[]): Step {
  return { name: "deno check", command: "deno", args: ["check", "--quiet", ...files], deadlineMs: minute };
}

function checks(): Step[] {
  const deno = denoFiles();
  const steps: Step[] = [
    { name: "format", command: "deno", args: ["fmt", "--check"], deadlineMs: minute },
    { name: "tsc", command: "tsc", args: ["-p", "tsconfig.json"], deadlineMs: minute },
    { name: "oxlint", command: "oxlint", args: ["--type-aware", "--deny-warnings"], deadlineMs: minute },
    { name: "texts", command: "node", args: ["tests/lint/check-texts.ts"], deadlineMs: minute },
    { name: "knip", command: "knip", args: ["--no-progress"], deadlineMs: minute },
  ];
  if (deno.length > 0) steps.push(denoCheck(deno));
  return steps;
}

/** Runs every check, also after a failed one, and keeps the number of failures as a suite's result. */
export async function runStaticChecks(): Promise<{ steps: StepResult[]; suite: SuiteResult }> {
  await forgetResult(checksName);
  const steps: StepResult[] = [];
  for (const check of checks()) {
    const step = await runStep(check);
    console.log(stepLine(step));
    steps.push(step);
  }
  const failures = steps.flatMap(({ name, reason }) => {
    return reason === undefined ? [] : [{ file: name, test: "", message: reason }];
  });
  const durationMs = steps.reduce((total, step) => total + step.durationMs, 0);
  const suite = { name: checksName, passed: 0, failed: failures.length, skipped: 0, durationMs, failures };
  await keepResult(suite);
  return { steps, suite };
}

function stepLine({ name, durationMs, reason }: StepResult): string {
  const time = formatDuration(durationMs);
  return reason === undefined ? `ok   ${name} (${time})` : `FAIL ${name} (${time}): ${reason}`;
}
