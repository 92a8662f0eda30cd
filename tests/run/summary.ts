/** The end of every test command: what each suite came to, and what failed. */
import { type SuiteResult, suiteTable } from "./suite-result.ts";

/** Failures that are said with their words, and how much of these: the end of a long log is what is read of it. */
const MAX_TOLD = 10;
const MAX_LINES = 6;
const MAX_CHARS = 600;

/** What failed, and where and why, one below the other; empty where nothing has. */
export function failureList(results: readonly SuiteResult[]): string {
  const told = (key: "failures" | "passedAlone", title: string) => {
    const all = results.flatMap((result) => (result[key] ?? []).map((failure) => ({ ...failure, name: result.name })));
    if (all.length === 0) return [];
    const lines = all.slice(0, MAX_TOLD).map(({ name, file, test, message }) => {
      const reason = message.split("\n").slice(0, MAX_LINES).join("\n      ").slice(0, MAX_CHARS);
      return `    ${name}: ${file}${test && ` > ${test}`}\n      ${reason}`;
    });
    const more = all.length - lines.length;
    return [`  ${title}:`, ...lines, ...(more > 0 ? [`    and ${more} more`] : [])];
  };
  return [
    ...told("failures", "Failed"),
    ...told("passedAlone", "Failed beside other suites, passed when run again alone"),
  ].join("\n");
}

/** The end of every test command: a line a suite, what failed, and the counts last. */
export function summary(results: readonly SuiteResult[]): string {
  const failures = failureList(results);
  return `\n${suiteTable(results)}\n${failures && `${failures}\n`}`;
}
