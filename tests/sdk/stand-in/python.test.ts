/** `comfy-sdk` 0.5.0 while streams are cut and pods and edges die: the cases in `tests/sdk/python/stand_in`. */
import { describePython } from "../../support/sdk/describe-python.ts";

await describePython({
  title: "the official Python SDK while things break",
  path: "stand_in",
  env: { POD_BEAT_MS: "200", POD_UNREACHABLE_MS: "1500", POD_LOST_MS: "3000" },
});
