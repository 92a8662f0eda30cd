/**
 * The live suite that `comfy-sdk` brings for a gateway, unmodified, from its source package. Its authors expect the case
 * of an asset handle in a graph to fail on their own gateway; here it has to pass.
 */
import { describePython } from "../../support/sdk/describe-python.ts";

await describePython({
  title: "the Python SDK's own gateway suite",
  path: "tests/integration/test_gateway_e2e.py",
  inSource: true,
});
