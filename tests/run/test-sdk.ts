/** `npm run test:sdk`: both official SDKs, unmodified, against fleets of two pods on both edge runtimes. */
import { countLine, isGreen } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuite } from "./run-suites.ts";
import { sdkSuite } from "./suites.ts";

const results = [await runSuite(sdkSuite)];

console.log(summary(results));
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
