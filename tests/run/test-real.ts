/** `npm run test:real`: the suites that need a real ComfyUI on CPU. */
import { countLine, isGreen, type SuiteResult, suiteTable } from "./suite-result.ts";
import { realSuites, runSuite } from "./suites.ts";

const results: SuiteResult[] = [];
for (const suite of realSuites) results.push(await runSuite(suite));

console.log(`\n${suiteTable(results)}`);
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
