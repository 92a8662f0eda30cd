/**
 * `npm run test:tailnet`: real tailscaled and headscale in network namespaces without a way out. It builds the two from
 * pinned modules once. Where the machine makes no namespaces the suite is skipped, and says why; under `CI=true`
 * that is a failure.
 */
import { ensureBinaries } from "../support/tailnet/binaries.ts";
import { namespaceWrapper } from "../support/tailnet/namespace.ts";
import { countLine, forgetResult, isGreen, keepResult, type SuiteResult } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuites } from "./run-suites.ts";
import { tailnetSuites } from "./suites.ts";
import { unableToRun } from "./unable.ts";

/** One of these for every suite, where none can run. */
async function keepAll(counts: Pick<SuiteResult, "failed" | "skipped">): Promise<SuiteResult[]> {
  const results = tailnetSuites.flat().map(({ name }) => ({ name, passed: 0, durationMs: 0, ...counts }));
  for (const result of results) await keepResult(result);
  return results;
}

async function run(): Promise<SuiteResult[]> {
  for (const { name } of tailnetSuites.flat()) await forgetResult(name);
  const wrapper = namespaceWrapper();
  if ("whyNot" in wrapper) {
    const { counts, line } = unableToRun(wrapper.whyNot, process.env);
    console.log(line);
    return await keepAll(counts);
  }
  try {
    const settings = { within: wrapper.command, env: { TAILNET_BIN: await ensureBinaries() } };
    return await runSuites(tailnetSuites.map((group) => group.map((suite) => ({ ...suite, ...settings }))));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return await keepAll({ failed: 1, skipped: 0 });
  }
}

const results = await run();
console.log(summary(results));
console.log(countLine(results));
process.exitCode = isGreen(results) || results.every(({ failed, passed }) => failed === 0 && passed === 0) ? 0 : 1;
