/**
 * `npm run ok`: the checks and the fast suites, in at most three minutes. Run it before every commit. Only with CI=true is
 * it a failure to take longer, because elsewhere other work may share the machine.
 */
import { runStaticChecks } from "./static-checks.ts";
import { countLine, isGreen } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuite } from "./run-suites.ts";
import { quickSuites } from "./suites.ts";

const limitS = 180;

const startedAt = performance.now();
const { steps, suite } = await runStaticChecks();
// At once: one computes, the other mostly waits for processes.
const suites = await Promise.all(quickSuites.map(runSuite));

const failedChecks = steps.filter((step) => step.reason !== undefined).map((step) => step.name);
const green = isGreen([suite, ...suites]);
console.log(`\nchecks: ${failedChecks.length === 0 ? "ok" : `failed: ${failedChecks.join(", ")}`}`);
console.log(summary([suite, ...suites]));
const tookS = Math.ceil((performance.now() - startedAt) / 1000);
const inTime = tookS <= limitS || process.env["CI"] !== "true";
console.log(`ok took ${tookS} s (limit ${limitS} s)`);
console.log(`${green && inTime ? "ok" : "not ok"}: ${countLine([suite, ...suites])}`);
process.exitCode = green && inTime ? 0 : 1;
