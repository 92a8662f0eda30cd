/** The end of `.ci/run`: adds up what the suites of the earlier commands left, and prints one line of counts last. */
import { checksName } from "./static-checks.ts";
import { countLine, isGreen, readResult } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { npmSuites, realSuites, tailnetSuites } from "./suites.ts";

const suites = [...npmSuites.flat(), ...realSuites, ...tailnetSuites.flat()];
const names = [checksName, ...suites.map((suite) => suite.name)];
const results = await Promise.all(names.map(readResult));
console.log(summary(results));
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
