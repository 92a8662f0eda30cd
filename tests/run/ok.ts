/** `npm run ok`: the checks and the fast suites, in at most three minutes. Run it before every commit. */
import { formatDuration } from "./run-step.ts";
import { runStaticChecks } from "./static-checks.ts";
import { countLine, isGreen, type SuiteResult, suiteTable } from "./suite-result.ts";
import { quickSuites, runSuite } from "./suites.ts";

const startedAt = performance.now();
const { steps, suite } = await runStaticChecks();
const suites: SuiteResult[] = [];
for (const quick of quickSuites) suites.push(await runSuite(quick));

const failedChecks = steps.filter((step) => step.reason !== undefined).map((step) => step.name);
const green = isGreen([suite, ...suites]);
console.log(`\nchecks: ${failedChecks.length === 0 ? "ok" : `failed: ${failedChecks.join(", ")}`}`);
console.log(suiteTable([suite, ...suites]));
console.log(
  `${green ? "ok" : "not ok"}: ${countLine([suite, ...suites])} in ${formatDuration(performance.now() - startedAt)}`,
);
process.exitCode = green ? 0 : 1;
