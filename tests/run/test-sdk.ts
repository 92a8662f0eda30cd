/** `npm run test:sdk`: both official SDKs, unmodified, against fleets of two pods on both edge runtimes. */
import { countLine, isGreen, suiteTable } from "./suite-result.ts";
import { runSuite, sdkSuite } from "./suites.ts";

const results = [await runSuite(sdkSuite)];

console.log(`\n${suiteTable(results)}`);
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
