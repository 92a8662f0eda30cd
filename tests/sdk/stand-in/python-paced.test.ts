/** `comfy-sdk` 0.5.0 on an edge that answers 429: the cases in `tests/sdk/python/paced`. */
import { describePython } from "../../support/sdk/describe-python.ts";

await describePython({
  title: "the official Python SDK, paced",
  path: "paced",
  env: { V2_REQUESTS_PER_SECOND: "2" },
});
