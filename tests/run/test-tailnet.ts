/**
 * `npm run test:tailnet`: real tailscaled and headscale in a network namespace without a way out. It builds the two from
 * pinned modules once. Where the machine makes no namespaces the suite is skipped, and says why.
 */
import { ensureBinaries } from "../support/tailnet/binaries.ts";
import { namespaceWrapper } from "../support/tailnet/namespace.ts";
import { countLine, forgetResult, isGreen, keepResult, type SuiteResult, suiteTable } from "./suite-result.ts";
import { runSuite, tailnetSuite } from "./suites.ts";

async function run(): Promise<SuiteResult> {
  const { name } = tailnetSuite;
  await forgetResult(name);
  const wrapper = namespaceWrapper();
  if ("whyNot" in wrapper) {
    console.log(`Skipped: the whole suite: ${wrapper.whyNot}`);
    const skipped = { name, passed: 0, failed: 0, skipped: 1, durationMs: 0 };
    await keepResult(skipped);
    return skipped;
  }
  try {
    const binaries = await ensureBinaries();
    return await runSuite({ ...tailnetSuite, within: wrapper.command, env: { TAILNET_BIN: binaries } });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    const failed = { name, passed: 0, failed: 1, skipped: 0, durationMs: 0 };
    await keepResult(failed);
    return failed;
  }
}

const results = [await run()];
console.log(`\n${suiteTable(results)}`);
console.log(countLine(results));
process.exitCode = isGreen(results) || results.every(({ failed, passed }) => failed === 0 && passed === 0) ? 0 : 1;
