/** `npm test`: the checks and every suite that needs nothing beyond npm; ends with the commands of the others. */
import { runStaticChecks } from "./static-checks.ts";
import { countLine, isGreen } from "./suite-result.ts";
import { summary } from "./summary.ts";
import { runSuites } from "./run-suites.ts";
import { npmSuites } from "./suites.ts";
import { whyNoPython } from "../support/python/environment.ts";
import { whyNoChromium } from "../support/browser/find-chromium.ts";

const results = [(await runStaticChecks()).suite, ...await runSuites(npmSuites)];

console.log(summary(results));
const noBrowser = whyNoChromium();
if (noBrowser !== null) console.log(`Skipped: the suite of the browser: ${noBrowser}`);
const noPython = process.env.CI ? null : await whyNoPython();
if (noPython !== null) console.log(`Skipped: the cases of the Python SDK: ${noPython}`);
console.log("Not run here:");
console.log(
  "  npm run test:real   the same paths on a real ComfyUI on CPU (fetches 0.7 GB once, unless COMFYUI_DIR is set)",
);
console.log(
  "  npm run test:tailnet   real tailscaled and headscale in a network of its own (needs Go, builds them once in 5 minutes)",
);
console.log("  npm run test:gpu    nvidia-smi and ComfyUI on a real GPU; skipped with the reason where there is none");
console.log("  npm run bench       measurements of the edge, of whole jobs and of the Comfy API v2");
console.log(countLine(results));
process.exitCode = isGreen(results) ? 0 : 1;
