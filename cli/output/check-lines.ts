/** Checks as lines of text, for whichever command looked. */
import type { Check } from "../doctor/check.ts";
import { EXIT } from "./exit-codes.ts";
import { printable } from "./printable.ts";
import type { Renderer } from "./renderer.ts";

const MARKS: Readonly<Record<Check["status"], string>> = {
  ok: "ok",
  warning: "warning",
  failed: "FAILED",
  skipped: "skipped",
};

function lineOf({ name, status, message, fix }: Check, width: number): string {
  const line = `${MARKS[status].padEnd(8)}${printable(name).padEnd(width)}  ${
    printable(message).replaceAll("\n", " ")
  }`;
  return fix === null ? line : `${line}\n${" ".repeat(8)}fix: ${printable(fix)}`;
}

/**
 * Prints them with what they come to. With `--json` `more` goes along.
 * @returns the exit code: a failure when one has failed
 */
export function printChecks(render: Renderer, checks: readonly Check[], more: Record<string, unknown> = {}): number {
  const failures = checks.filter(({ status }) => status === "failed").length;
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const end = failures === 0
    ? "Everything that was looked at works."
    : `${failures} of ${checks.length} checks failed.`;
  const text = [...checks.map((check) => lineOf(check, width)), "", end].join("\n");
  render.result({ healthy: failures === 0, checks, ...more }, text);
  return failures === 0 ? EXIT.ok : EXIT.failure;
}
