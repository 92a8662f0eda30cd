/** `npm run test:gpu`: what needs a real GPU. Without one, or without a ComfyUI for it, its tests are skipped and say why. */
import { countLine, type SuiteResult } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuite } from "./run-suites.ts";
import { gpuSuites } from "./suites.ts";
import { whyNoCudaComfy, whyNoGpu } from "../support/gpu/real-gpu.ts";

const skipped = [["nvidia-smi", whyNoGpu()], ["ComfyUI on CUDA", whyNoCudaComfy()]] as const;
for (const [what, reason] of skipped) if (reason !== null) console.log(`skipped, ${what}: ${reason}`);
const results: SuiteResult[] = [];
for (const suite of gpuSuites) results.push(await runSuite(suite));

console.log(summary(results));
if (results.some(({ passed, failed }) => passed + failed > 0)) {
  console.log("What the GPU said is in .tmp/gpu-recordings.");
}
console.log(countLine(results));
process.exitCode = results.every((result) => result.failed === 0) ? 0 : 1;
