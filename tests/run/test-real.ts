/** `npm run test:real`: the suites that need a real ComfyUI on CPU, after setting one up where none is given. */
import { formatDuration, runStep } from "./run-step.ts";
import { countLine, forgetResult, isGreen, readResult, type SuiteResult } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuite } from "./run-suites.ts";
import { realSuites } from "./suites.ts";

const results: SuiteResult[] = [];
for (const suite of realSuites) await forgetResult(suite.name);
const setup = await runStep({
  name: "real ComfyUI",
  command: "node",
  args: ["tests/support/real-comfy/setup.ts"],
  deadlineMs: 20 * 60_000,
});
if (setup.reason === undefined) {
  console.log(`real ComfyUI ready in ${formatDuration(setup.durationMs)}`);
  for (const suite of realSuites) results.push(await runSuite(suite));
} else {
  console.error(`Cannot set up ComfyUI: ${setup.reason}`);
  for (const suite of realSuites) results.push(await readResult(suite.name));
}

console.log(summary(results));
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
